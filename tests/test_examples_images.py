"""Images from folders, zip files and uploads: right, or a sentence that names the file."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from core.errors import UserError
from core.examples import image_files, images, open_folder, open_images, open_zip
from core.examples.decoding import decode, image_file

RED, GREEN = (250, 10, 20), (10, 200, 30)


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def two_colours(height: int = 6, width: int = 4) -> np.ndarray:
    """Red above, green below."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2], pixels[height // 2 :] = RED, GREEN
    return pixels


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_every_kind_is_read(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    found = decode("a", encoded(two_colours(32, 16), kind, **options))
    assert (found.shape, found.dtype) == ((32, 16, 3), np.uint8)
    assert np.abs(found.astype(int) - two_colours(32, 16)).max() <= (6 if kind == "JPEG" else 0)


# What the eight EXIF orientations say about the image that is stored (TIFF 6.0, page 36), as what undoes them.
UNDONE = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", UNDONE)
def test_an_image_is_turned_as_its_camera_was_held(orientation: int) -> None:
    stored = np.random.default_rng(0).integers(0, 256, (5, 3, 3), dtype=np.uint8)
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    found = decode("a", encoded(stored, "PNG", exif=exif))
    assert np.array_equal(found, UNDONE[orientation](stored))


def test_what_is_transparent_shows_the_background() -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = (200, 100, 0, 255)
    pixels[0, 1] = (200, 100, 0, 128)
    assert decode("a", encoded(pixels))[1, 1].tolist() == [255, 255, 255]
    found = decode("a", encoded(pixels), "#000000")
    assert found[0, 0].tolist() == [200, 100, 0]
    assert found[1, 1].tolist() == [0, 0, 0]
    assert np.abs(found[0, 1].astype(int) - [100, 50, 0]).max() <= 1
    palette = PIL.Image.fromarray(two_colours()).convert("P")
    buffer = io.BytesIO()
    palette.save(buffer, "PNG", transparency=palette.getpixel((0, 0)))
    assert decode("a", buffer.getvalue(), "blue")[0, 0].tolist() == [0, 0, 255]
    with pytest.raises(UserError, match="no colour 'nocolour'"):
        image_file("a", data=encoded(pixels), background="nocolour")


def test_grey_small_and_deep_images_become_three_channels() -> None:
    assert decode("a", encoded(np.array([[0, 77, 255]], np.uint8))).tolist() == [[[0] * 3, [77] * 3, [255] * 3]]
    assert decode("a", encoded(np.array([[[9, 8, 7]]], np.uint8))).tolist() == [[[9, 8, 7]]]
    deep = decode("a", encoded(np.array([[0, 257 * 77, 65535]], np.uint16)))
    assert deep.tolist() == [[[0] * 3, [77] * 3, [255] * 3]]
    buffer = io.BytesIO()
    PIL.Image.fromarray(two_colours()).convert("CMYK").save(buffer, "JPEG")
    assert decode("a", buffer.getvalue()).shape == (6, 4, 3)


def a_png_that_claims(width: int, height: int, data: bytes) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def test_damaged_and_dangerous_files_get_a_sentence() -> None:
    noise = encoded(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    jpeg = encoded(two_colours(200, 200), "JPEG")
    for name, data, sentence in (
        ("cut.png", noise[: len(noise) // 2], "cut.png is damaged or cut short"),
        ("cut.jpg", jpeg[: len(jpeg) // 2], "cut.jpg is damaged or cut short"),
        ("text.png", b"hello", "text.png is no PNG, JPEG or WebP image"),
        ("empty.png", b"", "empty.png is no PNG"),
        ("huge.png", a_png_that_claims(60_000, 60_000, b"0"), "huge.png"),
        ("wide.png", a_png_that_claims(9_000, 9_000, b"0"), "9,000 x 9,000 pixels"),
        ("short.png", a_png_that_claims(50, 50, b"0"), "short.png is damaged"),
    ):
        with pytest.raises(UserError, match=sentence):
            image_file(name, data=data).load()
    gif = io.BytesIO()
    PIL.Image.fromarray(two_colours()).save(gif, "GIF")
    with pytest.raises(UserError, match="is no PNG"):
        image_file("really-a-gif.png", data=gif.getvalue())


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def images_by_name(names: list[str]) -> dict[str, bytes]:
    """A different image for each name."""
    rng = np.random.default_rng(0)
    return {name: encoded(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)) for name in names}


def test_folders_say_what_is_positive_and_what_belongs_together(tmp_path: Path) -> None:
    flat = images_by_name(["b.png", "a.PNG"])
    found = open_folder(write(tmp_path / "flat", {**flat, "read.me": b"x", ".hidden.png": b"x"}))
    assert [image.name for image in found.images] == ["a.PNG", "b.png"]
    assert (found.labels.tolist(), found.subgroups) == ([1, 1], None)
    assert found.notes == ("1 other files were left out.",)
    two = images_by_name(["random/1.png", "striped/1.png", "striped/one zebra/1.png", "striped/one zebra/2.png"])
    found = open_folder(write(tmp_path / "two", two))
    assert (found.positive_name, found.negative_name) == ("striped", "random")
    assert found.labels.tolist() == [0, 1, 1, 1]
    assert found.groups.tolist() == [0, 1, 2, 2]
    assert open_folder(tmp_path / "two", positive="random").labels.tolist() == [1, 0, 0, 0]
    with pytest.raises(UserError, match="no folder 'dotted'"):
        open_folder(tmp_path / "two", positive="dotted")
    three = images_by_name(["cat/1.png", "dog/1.png", "pig/1.png"])
    assert open_folder(write(tmp_path / "three", three)).subgroups == ("cat", "dog", "pig")
    with pytest.raises(UserError, match="holds no PNG, JPEG or WebP image, but 1 other files"):
        open_folder(write(tmp_path / "none", {"a.txt": b"x"}))


def test_a_zip_file_is_read_as_the_folder_that_it_holds(tmp_path: Path) -> None:
    files = images_by_name(["set/random/1.png", "set/striped/1.png", "set/striped/2.png"])
    files |= {"__MACOSX/set/striped/._1.png": b"x", "set/.DS_Store": b"x"}
    found = open_zip("set.zip", zipped(files))
    assert (found.labels.tolist(), found.positive_name) == ([0, 1, 1], "striped")
    folder = open_folder(write(tmp_path, files) / "set")
    assert [image.digest for image in found.images] == [image.digest for image in folder.images]
    assert all(np.array_equal(a.load(), b.load()) for a, b in zip(found.images, folder.images, strict=True))
    (tmp_path / "set.zip").write_bytes(zipped(files))
    assert open_images(str(tmp_path / "set.zip")).digest == found.digest


def test_names_that_lead_out_of_a_zip_file_are_only_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = images_by_name(["a.png", "b.png"])
    found = open_zip("x.zip", zipped({"../../evil.png": data["a.png"], "C:\\x\\y.png": data["b.png"]}))
    assert [image.load().shape for image in found.images] == [(4, 4, 3)] * 2
    assert list(tmp_path.rglob("*")) == []


def test_zip_files_that_are_meant_to_harm_get_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    good = images_by_name(["a.png", "b.png", "c.png"])
    bomb = zipped({"bomb.png": b"\0" * 45_000_000})
    assert len(bomb) < 100_000
    for data, sentence in (
        (b"no zip", "is no sound zip file"),
        (zipped(good)[:-30], "is no sound zip file"),
        (zipped({}), "holds no PNG"),
        (bomb, "bomb.png in x.zip unpacks to more than 40 MB"),
        (zipped(good, zipfile.ZIP_LZMA), "packed in an unusual way"),
    ):
        with pytest.raises(UserError, match=sentence):
            open_zip("x.zip", data)
    monkeypatch.setattr(image_files, "MAX_UNPACKED", 150)
    with pytest.raises(UserError, match=r"x\.zip unpacks to more than"):
        open_zip("x.zip", zipped(good))
    monkeypatch.setattr(image_files, "MOST", 1)
    for data in (zipped(images_by_name(["a.png", "b.png"])), zipped(good)):
        with pytest.raises(UserError, match="divide it"):
            open_zip("x.zip", data)


def test_an_encrypted_zip_gets_a_sentence() -> None:
    data = bytearray(zipped(images_by_name(["a.png"])))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(UserError, match="is encrypted"):
        open_zip("x.zip", bytes(data))


def test_a_file_that_changed_is_not_read_under_its_old_name(tmp_path: Path) -> None:
    folder = write(tmp_path, images_by_name(["a.png", "b.png"]))
    before = open_folder(folder)
    (folder / "a.png").write_bytes(encoded(two_colours()))
    with pytest.raises(UserError, match=r"a\.png has changed"):
        before.images[0].load()
    after = open_folder(folder)
    assert before.digest != after.digest
    assert before.images[1].digest == after.images[1].digest
    (folder / "a.png").unlink()
    with pytest.raises(UserError, match=r"a\.png cannot be read"):
        after.images[0].load()


def test_the_same_image_twice_is_one_group(tmp_path: Path) -> None:
    data = encoded(two_colours())
    found = open_folder(write(tmp_path, {"a.png": data, "b.png": data, **images_by_name(["c.png"])}))
    assert found.groups.tolist() == [0, 0, 1]
    assert "1 of 3 images repeat" in found.notes[0]


def test_a_limit_keeps_the_classes_in_proportion(tmp_path: Path) -> None:
    names = [f"yes/{n}.png" for n in range(9)] + [f"no/{n}.png" for n in range(3)]
    folder = write(tmp_path, images_by_name(names))
    found = open_images(str(folder), limit=4)
    assert (found.n_positives, found.n_negatives) == (3, 1)
    assert len(open_images(str(folder), limit=99)) == 12
    assert len(images.rows_within(np.ones(4), 2)) == 2
    with pytest.raises(UserError, match="too small"):
        open_images(str(folder), limit=0)
