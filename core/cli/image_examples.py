"""What `examples` does with sets of images: telling what is in them, writing them where they can be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core import workspace
from core.errors import UserError


def rows(id: str, number: int) -> dict[str, Any]:
    """`number` images at even distances: their size, label and group."""
    from core.examples import open_images

    found = open_images(id)
    chosen = [place * len(found) // min(number, len(found)) for place in range(min(number, len(found)))]
    told = []
    for row in chosen:
        height, width = found.images[row].load().shape[:2]
        text = f"{found.images[row].name}, {width} x {height}, group {found.groups[row]}"
        told.append({"row": row, "label": int(found.labels[row]), "text": text, "height": height, "width": width})
    return {"id": found.id, "title": found.title, "notes": list(found.notes), "rows": told}


def export(id: str, folder: Path) -> dict[str, Any]:
    """Write the images as PNG files into `folder/positive` and `folder/negative`."""
    import PIL.Image

    from core.examples import open_images

    found = open_images(id)
    workspace.readable(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is there already and not empty; name a new folder.")
    for row, image in enumerate(found.images):
        place = folder / ("positive" if found.labels[row] else "negative")
        place.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(image.load()).save(place / f"{row:05}.png")
    return {"action": "export", "id": found.id, "path": str(folder), "rows": len(found)}
