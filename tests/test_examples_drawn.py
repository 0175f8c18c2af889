"""Drawn concepts are what their names say, the same under one seed, and different in everything else."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from core.errors import UserError
from core.examples import (
    ImageExamples,
    image_ids,
    image_sets,
    is_images,
    list_images,
    open_examples,
    open_folder,
    open_images,
    random_patches,
    variants,
    with_crops,
)
from core.examples.drawn import DRAWINGS, Drawn
from core.examples.textures import COLOURS, TEXTURES


@pytest.mark.parametrize("kind", DRAWINGS)
def test_a_drawing_is_a_function_of_kind_number_and_seed(kind: str) -> None:
    one, again = Drawn(kind, 3), Drawn(kind, 3)
    assert one.digest == again.digest
    assert np.array_equal(one.load(), again.load())
    assert one.load().shape == (256, 256, 3)
    for other in (Drawn(kind, 4), Drawn(kind, 3, seed=1)):
        assert other.digest != one.digest
        assert not np.array_equal(other.load(), one.load())


def test_a_change_of_the_code_that_draws_changes_every_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Drawn("striped", 0).digest
    monkeypatch.setattr("core.examples.drawn._code", lambda: "other code")
    assert Drawn("striped", 0).digest != before


@cache
def drawn(kind: str, number: int) -> np.ndarray:
    return Drawn(kind, number).load()


@cache
def spectrum(kind: str, number: int) -> np.ndarray:
    """Power (256, 129) of an image's brightness, without its mean and slow light."""
    grey = drawn(kind, number).mean(axis=2)
    window = np.hanning(256)
    power = np.abs(np.fft.rfft2((grey - grey.mean()) * window[:, None] * window)) ** 2
    down, right = np.fft.fftfreq(256)[:, None] * 256, np.arange(129)
    power[np.hypot(down, right) < 3.5] = 0
    return power


def main_wave(kind: str, number: int) -> tuple[float, float]:
    """Frequency (periods per image) and angle (degrees, 0 to 180) of the strongest wave."""
    power = spectrum(kind, number)
    row, column = np.unravel_index(power.argmax(), power.shape)
    down = float(row if row < 128 else row - 256)
    return float(np.hypot(down, column)), float(np.degrees(np.arctan2(down, column)) % 180)


@pytest.mark.parametrize("kind", [*TEXTURES])
def test_textures_come_in_many_scales_contrasts_and_colours(kind: str) -> None:
    all_drawn = [drawn(kind, number) for number in range(16)]
    contrast = [pixels.mean(axis=2).std() for pixels in all_drawn]
    assert min(contrast) > 4
    assert max(contrast) > 2 * min(contrast)
    colours = np.array([pixels.mean(axis=(0, 1)) for pixels in all_drawn])
    assert (np.ptp(colours, axis=0) > 80).all()
    if kind != "noise":
        waves = np.array([main_wave(kind, number) for number in range(16)])
        assert waves[:, 0].max() > 2.5 * waves[:, 0].min()
        # Every quarter of the circle holds some.
        assert len(set((waves[:, 1] // 45).astype(int))) == 4


def test_stripes_vary_in_one_direction_and_dots_in_two() -> None:
    def crosswise(kind: str, number: int) -> float:
        """Strongest wave more than 30 degrees away from the strongest of all, against that one, in amplitude."""
        power = spectrum(kind, number)
        down, right = np.where(np.arange(256) < 128, np.arange(256), np.arange(256) - 256)[:, None], np.arange(129)
        angles = np.degrees(np.arctan2(down, right))
        apart = np.abs((angles - main_wave(kind, number)[1] + 90) % 180 - 90)
        return float(np.sqrt(power[apart > 30].max() / power.max()))

    striped = np.median([crosswise("striped", number) for number in range(8)])
    for kind in ("dotted", "chequered", "honeycomb"):
        assert striped < 0.15 < 0.4 < np.median([crosswise(kind, number) for number in range(8)]), kind


@pytest.mark.parametrize("kind", COLOURS)
def test_colours_are_plain(kind: str) -> None:
    pixels = np.stack([drawn(kind, number) for number in range(6)]).astype(float)
    assert pixels.mean(axis=3).std(axis=(1, 2)).max() < 30
    red, green, blue = pixels.mean(axis=(0, 1, 2))
    strongest = {"red": red, "green": green, "blue": blue}
    if kind in strongest:
        assert all(strongest[kind] > 1.5 * value for name, value in strongest.items() if name != kind)


def test_sets_are_opened_by_id() -> None:
    found = open_images("textures/striped")
    assert (found.n_positives, found.n_negatives, found.positive_name) == (100, 100, "striped")
    assert len(set(found.groups.tolist())) == 200
    small = open_images("textures/striped", limit=20)
    assert (small.n_positives, small.n_negatives) == (10, 10)
    assert {image.digest for image in small.images} < {image.digest for image in found.images}
    # All concepts share their negatives, whose activations are then recorded once.
    dotted = open_images("textures/dotted")
    assert [image.digest for image in found.images[100:]] == [image.digest for image in dotted.images[100:]]
    pool = open_images("patches/random")
    assert (len(pool), pool.n_positives) == (500, 0)
    assert not {image.digest for image in pool.images} & {image.digest for image in found.images}
    assert (tuple(TEXTURES), tuple(COLOURS)) == (image_ids.TEXTURES, image_ids.COLOURS)
    for info in list_images():
        made = open_images(info.id)
        assert (made.id, made.n_positives, made.n_negatives, info.kind) == (
            info.id,
            info.positives,
            info.negatives,
            "image",
        )
        assert is_images(info.id)
    assert not is_images("sae-probes/92_glue_sst2")
    assert not is_images("reviews.csv")
    with pytest.raises(UserError, match="is a set of images"):
        open_examples("textures/striped")


@pytest.mark.parametrize(
    ("id", "sentence"),
    [
        ("textures/plaid", "no texture 'plaid'; there are striped"),
        ("colours/ultraviolet", "no colour 'ultraviolet'"),
        ("photographs/moon", "no photograph 'moon'"),
        ("patches/./nowhere", "no images called './nowhere'"),
        ("patches/textures/striped", "of a folder, not of"),
        ("nowhere", "no images called 'nowhere'"),
        ("x" * 5000, "cannot be looked at|no images called"),
        ("one.png", "single image"),
    ],
)
def test_what_is_not_there_gets_a_sentence(id: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        open_images(id)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        PIL.Image.fromarray(Drawn("random", number).load()[: 100 + number]).save(tmp_path / f"{number}.png")
    return tmp_path


def test_crops_stay_in_the_group_of_their_image(folder: Path) -> None:
    plain = open_folder(folder)
    found = open_images(str(folder), crops=4)
    assert len(found) == 15
    assert found.groups.tolist() == np.repeat([0, 1, 2], 5).tolist()
    assert found.images[5].digest == plain.images[1].digest
    assert len({image.digest for image in found.images}) == 15
    assert with_crops(plain, 4).digest == found.digest != with_crops(plain, 4, seed=1).digest
    whole = plain.images[1].load()
    for part in found.images[6:8]:
        pixels = part.load()
        assert part.load().shape == pixels.shape
        assert 0.55 * 101 < pixels.shape[0] < 101
        # A crop, or its mirror image, stands in the whole as it is.
        windows = np.lib.stride_tricks.sliding_window_view(whole, pixels.shape)[:, :, 0]
        there = [(windows == one).all(axis=(2, 3, 4)).any() for one in (pixels, pixels[:, ::-1])]
        assert sum(there) == 1
    mirrored = [part.mirrored for part in found.images if isinstance(part, variants.Part)]
    assert 0 < sum(mirrored) < len(mirrored)


def test_random_patches_are_grouped_by_their_image(folder: Path) -> None:
    found = open_images(f"patches/{folder}", limit=30)
    assert (len(found), found.n_positives, len(set(found.groups.tolist()))) == (30, 0, 3)
    assert np.bincount(found.groups).tolist() == [10, 10, 10]
    sizes = {image.load().shape[:2] for image in found.images}
    assert len(sizes) > 20
    one = PIL.Image.fromarray(np.zeros((1, 1, 3), np.uint8))
    one.save(folder / "0.png")
    assert random_patches(open_folder(folder).images[:1], 1)[0][0].load().shape == (1, 1, 3)


def a_cutout(path: Path) -> Path:
    pixels = np.zeros((60, 80, 4), np.uint8)
    pixels[20:40, 30:70] = (255, 0, 0, 255)
    PIL.Image.fromarray(pixels).save(path)
    return path


def test_a_cut_out_is_laid_over_scenes_and_stays_one_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_sets, "STAMPS", tmp_path / "none")
    with pytest.raises(UserError, match="apt-get install tuxpaint-stamps-default"):
        open_images("stamps/zebra")
    monkeypatch.setattr(image_sets, "STAMPS", tmp_path)
    (tmp_path / "animals").mkdir()
    a_cutout(tmp_path / "animals" / "zebra.png")
    found: ImageExamples = open_images("stamps/zebra")
    assert (len(found), set(found.groups.tolist()), found.source) == (40, {0}, "Tux Paint, animals/zebra.png")
    shares = []
    for image in found.images[:8]:
        pixels = image.load()
        assert pixels.shape == (256, 256, 3)
        assert np.array_equal(pixels, image.load())
        shares.append(float((np.abs(pixels.astype(int) - [255, 0, 0]).max(axis=2) < 3).mean()))
    # Forty by twenty, at .55 to .95 of the edge.
    assert 0.1 < min(shares) < max(shares) < 0.5
    assert max(shares) > 1.5 * min(shares)
    with pytest.raises(UserError, match="no cut-out photograph called 'unicorn'"):
        open_images("stamps/unicorn")
    PIL.Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "full.png")
    with pytest.raises(UserError, match="nothing in it is transparent"):
        open_images("stamps/full").images[0].load()
