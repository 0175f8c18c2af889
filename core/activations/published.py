"""Stores under a URL: shards published whole, for machines that share no folder.

`URL/activations/<key>/` holds what the workspace's folder of that name does, and beside each shard its entry as JSON,
`shard-00000.json`. The entry is written when the shard is there; whoever reads believes in no shard without one, and
checks its SHA-256. So a shard that is half written, on whatever kind of storage, is no shard yet.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from core import workspace
from core.activations import shards
from core.activations.ledger import Ledger
from core.activations.recipe import Recipe
from core.activations.store import ShardEntry, Store
from core.errors import UserError
from core.progress import Listener, Progress, silent

_ENTRY = re.compile(r"shard-(\d{5,})\.json")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Published:
    """The stores under one URL: `s3://bucket/folder`, `gs://...`, `file:///folder`, or anything else fsspec knows."""

    def __init__(self, url: str) -> None:
        import fsspec

        try:
            self._files, root = fsspec.core.url_to_fs(url)
            self.url, self._root = url, root.rstrip("/")
            self.name = self._files.unstrip_protocol(self._root)  # without what the URL may hold of passwords
        except Exception as error:  # each kind of storage has errors of its own
            raise UserError(
                f"--storage cannot be opened ({_why(error)}); name a URL such as s3://bucket/folder."
            ) from error

    def folder(self, recipe: Recipe) -> str:
        return f"{self._root}/activations/{recipe.key}"

    def shown(self, recipe: Recipe) -> str:
        """The URL of a store's folder, for people."""
        return f"{self.name}/activations/{recipe.key}"

    def put(self, recipe: Recipe, number: int, tensors: dict[str, Tensor], **about: Any) -> ShardEntry:
        """Publish a shard, and then its entry."""
        data = safetensors.torch.save(tensors)
        entry = ShardEntry(shards.name_of(number), hashlib.sha256(data).hexdigest(), **about)
        self._publish(recipe, number, entry, data)
        return entry

    def send(self, store: Store, number: int) -> None:
        """Publish a shard that the workspace holds. Raises UserError if it is damaged."""
        entry = store.entry(number)
        store.shard(number)  # says so if it is not what was written
        self._publish(store.recipe, number, entry, (store.path / entry.file).read_bytes())

    def _publish(self, recipe: Recipe, number: int, entry: ShardEntry, data: bytes) -> None:
        self._write(f"{self.folder(recipe)}/{entry.file}", data)
        self._write_json(f"{self.folder(recipe)}/{_entry_name(number)}", asdict(entry))

    def entries(self, store: Store) -> dict[int, ShardEntry]:
        """Of the shards that are there, by number."""
        folder = self.folder(store.recipe)
        with self._told(folder):
            self._files.invalidate_cache()
            names = {Path(path).name for path in self._files.ls(folder, detail=False)} if self._there(folder) else set()
            numbers = {int(match[1]) for name in names if (match := _ENTRY.fullmatch(name))}
            believed = sorted(number for number in numbers if shards.name_of(number) in names)
            paths = [f"{folder}/{_entry_name(number)}" for number in believed]
            texts = self._files.cat(paths) if len(paths) > 1 else {path: self._files.cat_file(path) for path in paths}
        read = (
            (number, _parsed(texts[path], store.recipe, number)) for number, path in zip(believed, paths, strict=True)
        )
        return {number: entry for number, entry in read if entry is not None}

    def require(self, recipe: Recipe, number: int) -> None:
        """Raises UserError unless a shard that a worker has published is there, seen from this process."""
        path = f"{self.folder(recipe)}/{_entry_name(number)}"
        with self._told(path):
            self._files.invalidate_cache()
            there = self._there(path)
        if not there:
            raise UserError(
                f"{self.shown(recipe)} lacks {shards.name_of(number)}, which a worker has written: to that worker"
                " --storage is another place; name one that all machines share, such as s3://bucket/folder."
            )

    def finish(self, store: Store) -> None:
        """Write the manifest, so that the folder is a store of its own. Raises UserError where a shard is not there."""
        entries = self.entries(store)
        for number in range(store.recipe.n_shards):
            if number not in entries:
                self.require(store.recipe, number)
                raise UserError(
                    f"{self.shown(store.recipe)}/{_entry_name(number)} is damaged; record the same texts again."
                )
        known = {str(number): asdict(entry) for number, entry in sorted(entries.items())}
        manifest = {"recipe": store.recipe.as_json(), "shards": known}
        self._write_json(f"{self.folder(store.recipe)}/manifest.json", manifest)

    def fetch(self, store: Store, *, progress: Listener = silent) -> None:
        """Bring the shards that the workspace lacks into it. Raises UserError, naming it, for one that is damaged."""
        there, here = self.entries(store), store.entries()
        damaged = set(store.damaged())
        missing = [number for number in there if number not in here or here[number].file in damaged]
        with Ledger(store) as ledger:
            for done, number in enumerate(missing):
                progress(Progress(done, len(missing), "shards", f"fetching from {self.name}"))
                path = f"{self.folder(store.recipe)}/{there[number].file}"
                with self._told(path):
                    data = self._files.cat_file(path)
                if hashlib.sha256(data).hexdigest() != there[number].sha256:
                    raise UserError(f"{path} is damaged; delete it and record the same texts again.")
                workspace.write_bytes(store.path / there[number].file, data)
                ledger.enter(number, there[number])
        progress(Progress(len(missing), len(missing), "shards", f"fetching from {self.name}"))

    def _write(self, path: str, data: bytes) -> None:
        """So that the file is seen whole or not at all: object storages put it so, a folder is written aside first."""
        from fsspec.implementations.local import LocalFileSystem

        with self._told(path):
            if isinstance(self._files, LocalFileSystem):
                workspace.write_bytes(Path(path), data)
            else:
                self._files.pipe_file(path, data)

    def _write_json(self, path: str, value: Any) -> None:
        self._write(path, workspace.json_bytes(value))

    def _there(self, path: str) -> bool:
        return bool(self._files.exists(path))

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        """What a storage says in many ways, as a sentence."""
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"{path} cannot be read or written: {_why(error)}.") from error


@dataclass
class PublishedStore(Store):
    """A store whose shards go to a URL. made: entries of those that were put."""

    published: Published | None = None
    made: dict[int, ShardEntry] = field(default_factory=dict)

    def put(self, number: int, tensors: dict[str, Tensor], **about: Any) -> None:
        assert self.published is not None
        self.made[number] = self.published.put(self.recipe, number, tensors, **about)


def publish_to(url: str, recipe: Recipe) -> PublishedStore:
    """A store of `recipe` whose shards are published under `url`."""
    return PublishedStore(recipe, published=Published(url))


def _entry_name(number: int) -> str:
    return shards.name_of(number).replace(".safetensors", ".json")


def _why(error: Exception) -> str:
    """What an error says, or what it is called if it says nothing."""
    said = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return " ".join(said.split()).rstrip(".")


def _parsed(data: bytes, recipe: Recipe, number: int) -> ShardEntry | None:
    """None for what is no entry of this shard, or says of it what cannot be: it is made anew."""
    try:
        entry = ShardEntry(**(workspace.json_value(data) or {}))
    except TypeError:
        return None
    rows = recipe.texts_of(number)
    counts = (entry.texts, entry.tokens, entry.tokens_read, entry.sinks, entry.batch_tokens)
    is_one = (
        entry.file == shards.name_of(number)
        and isinstance(entry.sha256, str)
        and _SHA256.fullmatch(entry.sha256) is not None
        and all(type(count) is int and count >= 0 for count in counts)  # True is an int as well
        and entry.texts == len(rows) > 0
        and entry.tokens + entry.sinks <= entry.tokens_read <= len(rows) * recipe.max_length
        and 0 < entry.batch_tokens <= recipe.batch_tokens
        and isinstance(entry.nothing_kept, list)
        and all(type(row) is int and row in rows for row in entry.nothing_kept)
    )
    return entry if is_one else None
