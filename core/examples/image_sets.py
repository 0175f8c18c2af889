"""Sets of images by id: drawn ones, the user's folders and zip files, and photographs that are found on the machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.errors import UserError
from core.examples.decoding import image_file
from core.examples.drawn import SCENE, Drawn
from core.examples.files import expanded
from core.examples.image_files import open_folder, open_zip
from core.examples.image_ids import DRAWN, FAMILIES, LAID, OURS, PHOTOGRAPHS, POOL, POOLS, SAVED, SUFFIXES, photograph
from core.examples.images import ImageExamples, make_image_examples
from core.examples.saved_images import open_saved_images
from core.examples.textures import COLOURS, TEXTURES
from core.examples.variants import Composite, random_patches, with_crops

# Cut-out photographs of animals and things, GPL 2: Debian's package tuxpaint-stamps-default.
STAMPS = Path("/usr/share/tuxpaint/stamps")


def open_images(
    id: str, *, limit: int | None = None, background: str = "", crops: int = 0, positive: str | None = None
) -> ImageExamples:
    """Images by id.

    `saved/NAME`: the user's own. `textures/striped` and `colours/red`: drawn, against random patches. `patches/random`:
    random patches, drawn; `patches/mixed`: those, textures and colours; `patches/PATH`: cut from the images in a
    folder. `photographs/china`: crops of a photograph. `stamps/zebra`: a cut-out of Tux Paint over drawn scenes.
    Anything else is the path of a folder or a zip file.

    limit: number of images in all, the classes in proportion. background: a colour to put behind transparent parts.
    crops: crops of each image that are added to it, in its group. positive: name of the folder of positives.

    Raises UserError if there is no such set.
    """
    if limit is not None and limit < 1:
        raise UserError(f"A limit of {limit} images is too small; use at least 1.")
    family, _, name = id.partition("/")
    if id.startswith(SAVED) and name:
        return with_crops(open_saved_images(name, limit=limit), crops)
    if family in FAMILIES and name:
        return with_crops(_OPEN[family](name, limit), crops)
    path = expanded(id)
    options = {"background": background, "positive": positive, "limit": limit}
    try:
        if path.is_dir():
            return with_crops(open_folder(path, **options), crops)  # type: ignore[arg-type]
        if path.suffix.lower() == ".zip" and path.is_file():
            return with_crops(open_zip(str(path), path, **options), crops)  # type: ignore[arg-type]
    except OSError as error:  # a name too long for a path
        raise UserError(f"{id[:80]!r} cannot be looked at ({error.strerror}).") from None
    if path.suffix.lower() in SUFFIXES:
        raise UserError(f"{id} is a single image; give the folder that it lies in.")
    known = ", ".join(f"{one}/..." for one in FAMILIES)
    raise UserError(f"There are no images called {id!r}: give {known}, a folder or a zip file.")


def _drawn(id: str, kind: str, limit: int | None) -> ImageExamples:
    """Drawings of a kind against random patches."""
    positives = DRAWN if limit is None else min(DRAWN, max(1, limit // 2))
    negatives = DRAWN if limit is None else min(DRAWN, limit - positives)
    images = [Drawn(kind, number) for number in range(positives)]
    images += [Drawn(SCENE, number) for number in range(negatives)]
    labels = [1] * positives + [0] * negatives
    return make_image_examples(id, kind, images, labels, source=OURS, names=("random patches", kind))


def _textures(name: str, limit: int | None) -> ImageExamples:
    if name not in TEXTURES:
        raise UserError(f"There is no texture {name!r}; there are {', '.join(TEXTURES)}.")
    return _drawn(f"textures/{name}", name, limit)


def _colours(name: str, limit: int | None) -> ImageExamples:
    if name not in COLOURS:
        raise UserError(f"There is no colour {name!r}; there are {', '.join(COLOURS)}.")
    return _drawn(f"colours/{name}", name, limit)


def _patches(name: str, limit: int | None) -> ImageExamples:
    number = POOL if limit is None else min(limit, POOL)
    id = f"patches/{name}"
    if name in POOLS:
        kinds = [SCENE] if name == SCENE else [SCENE, *TEXTURES, SCENE, *COLOURS]
        # Other scenes than those which textures and colours are set against.
        images = [Drawn(kinds[turn % len(kinds)], 10_000 + turn) for turn in range(number)]
        return make_image_examples(id, POOLS[name], images, [0] * number, source=OURS, names=("random patches", ""))
    whole = open_images(name)
    if not whole.images or (name.partition("/")[0] in FAMILIES and not name.startswith(SAVED)):
        raise UserError(f"Patches are cut from the images of a folder, not of {name!r}.")
    parts = random_patches(whole.images, number)
    return make_image_examples(
        id,
        f"patches of {whole.title}",
        [part for part, _ in parts],
        [0] * number,
        source=whole.source,
        own_groups=[str(whole.groups[place]) for _, place in parts],
        names=("random patches", ""),
    )


def _photographs(name: str, limit: int | None) -> ImageExamples:
    path = photograph(name)
    if path is None:
        raise UserError(f"There is no photograph {name!r}; there are {', '.join(PHOTOGRAPHS)}, with scikit-learn.")
    one = make_image_examples(
        f"photographs/{name}", name, [image_file(path.name, path=path)], [1], source="scikit-learn", names=("", name)
    )
    number = LAID if limit is None else min(limit, LAID)
    return with_crops(one, number - 1)


def _stamps(name: str, limit: int | None) -> ImageExamples:
    if not STAMPS.is_dir():
        raise UserError(
            "The cut-outs of Tux Paint are not on this machine; on Debian `apt-get install tuxpaint-stamps-default`,"
            " or give a folder of images of your own."
        )
    found = [path for path in sorted(STAMPS.rglob("*.png")) if path.stem == name and "cartoon" not in path.parts]
    if not found:
        raise UserError(f"Tux Paint has no cut-out photograph called {name!r}; look below {STAMPS}.")
    cutout = image_file(name, path=found[0])
    number = LAID if limit is None else min(limit, LAID)
    return make_image_examples(
        f"stamps/{name}",
        name,
        [Composite(cutout, turn) for turn in range(number)],
        [1] * number,
        source=f"Tux Paint, {found[0].relative_to(STAMPS)}",
        own_groups=[name] * number,
        names=("", name),
        notes=["All are one cut-out over different scenes, and one group: they say nothing about others of its kind."],
    )


_OPEN: dict[str, Callable[[str, int | None], ImageExamples]] = {
    **{"textures": _textures, "colours": _colours, "patches": _patches},
    **{"photographs": _photographs, "stamps": _stamps},
}
