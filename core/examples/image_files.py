"""Sets of images from a folder or a zip file.

What the folders inside mean: none, all images are positives; two, they are the two classes; more, they are kinds of
positives. A folder within one of these joins its images into one group.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from core.errors import UserError
from core.examples.decoding import MAX_BYTES, ImageFile, image_file
from core.examples.image_ids import SUFFIXES
from core.examples.images import MOST, ImageExamples, make_image_examples

MAX_ZIP_BYTES = 1_000_000_000  # of the zip file itself
MAX_UNPACKED = 1_000_000_000  # of all its images together
NEGATIVES = {"negative", "negatives", "neg", "0", "no", "not", "other", "others", "random", "without"}

Found = tuple[tuple[str, ...], ImageFile]  # the folders that lead to an image, and the image


def open_folder(
    folder: Path, *, background: str = "", positive: str | None = None, limit: int | None = None
) -> ImageExamples:
    """The PNG, JPEG and WebP images in a folder and the folders in it.

    background: colour behind transparent parts, white if not said. positive: name of the folder of positives, where
    there are two. limit: as in `open_images`. Raises UserError, naming the file, for one that holds no image.
    """
    found: list[Found] = []
    others = 0
    for path in _files(folder):
        inside = PurePosixPath(path.relative_to(folder).as_posix())
        if path.suffix.lower() not in SUFFIXES:
            others += 1
            continue
        if len(found) >= MOST:
            raise UserError(f"{folder} holds more than {MOST:,} images; divide it.")
        found.append((inside.parts[:-1], image_file(str(inside), path=path, background=background)))
    return _as_examples(str(folder), folder.name or str(folder), found, others, positive, limit)


def open_zip(
    name: str,
    data: bytes | Path,
    *,
    background: str = "",
    positive: str | None = None,
    limit: int | None = None,
) -> ImageExamples:
    """The images in a zip file, as `open_folder`. name: what becomes id and source. data: its bytes, or where it is.

    Nothing is written to disk, and names inside are never used as paths. Raises UserError for a file that is no zip,
    is encrypted, is damaged, or unpacks to more than is allowed.
    """
    require_size(name, len(data) if isinstance(data, bytes) else data.stat().st_size)
    try:
        with zipfile.ZipFile(io.BytesIO(data) if isinstance(data, bytes) else data) as archive:
            found, others = _unpacked(name, archive, background)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{name} is no sound zip file: {str(error) or type(error).__name__}.") from error
    return _as_examples(name, PurePosixPath(name).stem, found, others, positive, limit)


def require_size(name: str, size: int) -> None:
    """Raises UserError for a zip file, or what would become one, of more bytes than are taken."""
    if size > MAX_ZIP_BYTES:
        raise UserError(f"{name} is larger than {MAX_ZIP_BYTES / 1e6:,.0f} MB; divide it.")


def files_of(folder: Path) -> list[Path]:
    """The PNG, JPEG and WebP files below `folder`, by name."""
    return [path for path in _files(folder) if path.suffix.lower() in SUFFIXES]


def _files(folder: Path) -> list[Path]:
    """Regular files below `folder` by name, hidden ones left out; links to folders are not followed."""
    found = []
    try:
        for place, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if not _is_hidden(name))
            found += [Path(place) / name for name in names if not _is_hidden(name)]
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror}).") from error
    return sorted(path for path in found if path.is_file())


def _unpacked(name: str, archive: zipfile.ZipFile, background: str) -> tuple[list[Found], int]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > 2 * MOST:
        raise UserError(f"{name} holds {len(entries):,} files; at most {MOST:,} images can be used, so divide it.")
    found: list[Found] = []
    others = total = 0
    for entry in sorted(entries, key=lambda one: one.filename):
        parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
        place = PurePosixPath(*(part for part in parts if part not in ("..", "/")))
        if any(_is_hidden(part) for part in place.parts) or stat.S_ISLNK(entry.external_attr >> 16):
            continue
        if place.suffix.lower() not in SUFFIXES:
            others += 1
            continue
        data = _read(name, archive, entry)
        total += len(data)
        if total > MAX_UNPACKED:
            raise UserError(f"{name} unpacks to more than {MAX_UNPACKED / 1e6:,.0f} MB; divide it.")
        if len(found) >= MOST:
            raise UserError(f"{name} holds more than {MOST:,} images; divide it.")
        found.append((place.parts[:-1], image_file(str(place), data=data, background=background)))
    return found, others


def _read(name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """One file's bytes, unpacked no further than is allowed, whatever its header says."""
    if entry.flag_bits & 1:
        raise UserError(f"{name} is encrypted; unpack it and give the folder.")
    # Others can unpack a few bytes into gigabytes at one go.
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UserError(f"{name} is packed in an unusual way; pack it again as a plain zip file.")
    with archive.open(entry) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UserError(f"{entry.filename} in {name} unpacks to more than {MAX_BYTES / 1e6:.0f} MB; leave it out.")
    return data


def _is_hidden(name: str) -> bool:
    """Files that programs leave behind: `.DS_Store`, `__MACOSX`, `Thumbs.db`."""
    return name.startswith((".", "__MACOSX")) or name.lower() in {"thumbs.db", "desktop.ini"}


def _as_examples(
    id: str, title: str, found: Sequence[Found], others: int, positive: str | None, limit: int | None
) -> ImageExamples:
    if not found:
        raise UserError(f"{id} holds no PNG, JPEG or WebP image{f', but {others} other files' if others else ''}.")
    while all(places and places[0] == found[0][0][0] for places, _ in found) and found[0][0]:
        # One folder around everything says nothing.
        found = [(places[1:], image) for places, image in found]
    folders = sorted({places[0] for places, _ in found if places})
    notes = [f"{others} other files were left out."] if others else []
    subgroups, labels, names = None, [1] * len(found), ("negative", title)
    if len(folders) == 2 and all(places for places, _ in found):
        named = positive if positive is not None else _positive(folders)
        if named not in folders:
            raise UserError(f"{id} has no folder {named!r}; it has {folders[0]!r} and {folders[1]!r}.")
        other = next(folder for folder in folders if folder != named)
        labels, names = [int(places[0] == named) for places, _ in found], (other, named)
        notes.append(f"{named!r} is positive, {other!r} is negative.")
    elif folders:
        subgroups = [places[0] if places else "" for places, _ in found]
    groups = ["/".join(places) if len(places) > 1 else "" for places, _ in found]
    return make_image_examples(
        id,
        title,
        [image for _, image in found],
        labels,
        source=id,
        own_groups=groups,
        subgroups=subgroups,
        limit=limit,
        names=names,
        notes=notes,
    )


def _positive(folders: Sequence[str]) -> str:
    """Of two folders the one that is not called negative or the like, else the second by name, as in tables."""
    plain = [folder for folder in folders if folder.casefold() not in NEGATIVES]
    return plain[0] if len(plain) == 1 else folders[1]
