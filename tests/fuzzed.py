"""Every kind of input that strangers may hand to the program, with sound examples and how it is read."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image

from tests.fuzzing import Kind

GGUF_HEAD = 8288  # bytes of the tiny file before its weights: settings, words and the table of tensors


def kinds(folder: Path) -> list[Kind]:
    """All kinds of input. folder: where a tiny model may be made; the workspace is the caller's."""
    from tests.fuzzed_asked import asked
    from tests.tiny import tiny_directory

    directory = tiny_directory(folder, "llama")
    files = [*_tables(), *_images(), *_recipes(), *_directions(directory), *_dictionaries(), *_models(directory)]
    return [*files, *_indexes(directory), *asked(directory)]


def _tables() -> list[Kind]:
    from core.directions.expression import parse
    from core.examples import from_template, open_upload

    rows = 'text,label,group,split\nA fine film,1,a,train\n"Dull, long",0,b,test\nGood,1,c,train\nBad,0,d,test\n'
    lines = "\n".join(json.dumps({"text": f"text {n}", "label": n % 2, "group": n // 2}) for n in range(6))

    def upload(name: str) -> Callable[[bytes, Path], object]:
        return lambda data, _: open_upload(name, data).digest

    def expression(data: bytes, _: Path) -> object:
        return parse(data.decode("utf-8", errors="replace"))

    def template(data: bytes, _: Path) -> object:
        text = data.decode("utf-8", errors="replace").split("|")
        return from_template(text[0], text[1::2], text[2::2], {"noun": ["film", "book"]})

    return [
        Kind("table, CSV", (rows.encode(), rows.replace(",", ";").encode(), rows.encode("utf-8-sig")), upload("x.csv")),
        Kind("table, JSONL", (lines.encode(),), upload("x.jsonl")),
        Kind("texts", (b"A fine film\nGood\n---\nDull\n\nBad\n", b"+ Good\n- Bad\n+ Fine\n- Dull\n"), upload("x.txt")),
        Kind("sum of directions", (b"mood - 0.5*length", b"(a+b)/2 - -c*1e-3"), expression),
        Kind("template", (b"The {noun} was {word}.|good|bad|fine|dull",), template),
    ]


def _images() -> list[Kind]:
    from core.examples.decoding import cut_out, decode
    from core.examples.image_files import open_zip

    noise = np.random.default_rng(0).integers(0, 256, (9, 7, 4), dtype=np.uint8)
    files = {}
    for name in ("png", "jpeg", "webp"):
        image = PIL.Image.fromarray(noise if name != "jpeg" else noise[:, :, :3])
        files[name] = io.BytesIO()
        image.save(files[name], name.upper())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(4):
            archive.writestr(f"{'ab'[n % 2]}/{n}.png", files["png"].getvalue())

    def pixels(data: bytes, _: Path) -> object:
        return decode("x", data).sum()

    def opaque(data: bytes, _: Path) -> object:
        return cut_out("x", data).sum()

    def of_zip(data: bytes, _: Path) -> object:
        return [image.load().sum() for image in open_zip("x.zip", data).images]

    single = [Kind(f"image, {name.upper()}", (file.getvalue(),), pixels) for name, file in files.items()]
    return [
        *single,
        Kind("image, cut out", (files["png"].getvalue(),), opaque),
        Kind("images, zip", (packed.getvalue(),), of_zip),
    ]


def _recipes() -> list[Kind]:
    from core.steering import Recipe

    whole = {
        "model": "smollm2",
        "prompt": "I thought it was",
        "interventions": [
            {"source": {"kind": "saved", "of": "mood"}, "operator": "add", "dose": -0.5, "tokens": ["prompt"]},
            {
                "source": {"kind": "texts", "layer": 8, "plus": ["love"], "minus": ["hate"]},
                "dose": 0.2,
                "layers": [8, 11],
                "tokens": ["prompt", "first", "later"],
                "ranges": [[1, 4]],
                "when": {"per": "token", "above": 1, "source": {"kind": "saved", "of": "mood"}},
            },
        ],
        "generation": {"max_new_tokens": 40, "temperature": 0.7, "top_p": 0.95, "seed": 1},
        "targets": ["good"],
    }

    def read(data: bytes, _: Path) -> object:
        return Recipe.from_text(data.decode("utf-8", errors="replace")).to_text()

    return [Kind("recipe", (json.dumps(whole).encode(),), read, json=True)]


def _directions(directory: Path) -> list[Kind]:
    from core.directions import Place, export, import_directions
    from core.models import open_model
    from tests.made_directions import direction

    model = open_model(str(directory))

    def read(format: str) -> Callable[[bytes, Path], object]:
        def own(data: bytes, _: Path) -> object:
            place = None if format == "safetensors" else Place(model, 2)
            return [one.to_json() for one in import_directions(data, name="x", file=f"x.{format}", place=place)]

        return own

    made = [direction()]
    return [
        Kind(f"direction, {format}", (export(made, format),), read(format)) for format in ("safetensors", "gguf", "csv")
    ]


def _dictionaries() -> list[Kind]:
    from core.dictionaries.formats import CONFIG, WEIGHTS, read_files, to_bytes
    from core.dictionaries.formats.beside import read_beside
    from tests.dictionaries import small_sae, write

    files = to_bytes(small_sae("topk"), {})
    labels = json.dumps({"explanations": [{"index": n, "description": f"label {n}"} for n in range(5)]}).encode()

    def with_(name: str) -> Callable[[bytes, Path], object]:
        def own(data: bytes, folder: Path) -> object:
            return read_files(write(folder, {**files, name: data}))

        return own

    def beside(data: bytes, folder: Path) -> object:
        return read_beside(write(folder, {"labels.json": data, "metrics.json": data, "explanations.json": data}))

    return [
        Kind("dictionary, cfg.json", (files[CONFIG],), with_(CONFIG), json=True),
        Kind("dictionary, weights", (files[WEIGHTS],), with_(WEIGHTS)),
        Kind("labels and figures", (labels, b'{"explained_variance": 0.8, "l0": 32}'), beside, json=True),
    ]


def _models(directory: Path) -> list[Kind]:
    from core.models import open_model
    from tests.dictionaries import write
    from tests.tiny_gguf import write_gguf

    packed = write_gguf(directory, directory.parent / "tiny.gguf").read_bytes()
    whole = {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}

    def with_(name: str) -> Callable[[bytes, Path], object]:
        def own(data: bytes, folder: Path) -> object:
            return open_model(str(write(folder, {**whole, name: data}))).n_layers

        return own

    def gguf(data: bytes, folder: Path) -> object:
        path = folder / "damaged.gguf"
        path.write_bytes(data + packed[GGUF_HEAD:])
        return open_model(str(path)).n_layers

    return [
        Kind("model, GGUF", (packed[:GGUF_HEAD],), gguf),
        Kind("model, config.json", (whole["config.json"],), with_("config.json"), json=True),
        Kind("model, weights", (whole["model.safetensors"][:6000],), with_("model.safetensors")),
        Kind(
            "model, tokenizer_config.json", (whole["tokenizer_config.json"],), with_("tokenizer_config.json"), json=True
        ),
    ]


def _indexes(directory: Path) -> list[Kind]:
    """An index that came along with a dictionary: whoever made it can make its checksums fit."""
    import hashlib

    from core.dictionaries import Card, Dictionary
    from core.dictionaries.index import Index, Settings, build_index
    from core.models import open_model
    from tests.dictionaries import write
    from tests.killed_work import TEXTS, made_sae
    from tests.test_dictionaries_index import indexed

    model = open_model(str(directory))
    site = model.site(1)
    dictionary = Dictionary("made", made_sae(model, 16), Card(model.id, model.fingerprint, site, site, site))
    folder = build_index(model, dictionary, indexed(TEXTS[:20]), Settings(top=3, sample=12))
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    manifest = Index(folder).manifest

    def with_(name: str) -> Callable[[bytes, Path], object]:
        def own(data: bytes, there: Path) -> object:
            files = {**whole, "manifest.json": json.dumps(manifest).encode(), name: data}
            if name != "manifest.json":
                part = next(part for part, one in manifest["files"].items() if one["file"] == name)
                entry = {"file": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                fitting = {**manifest, "files": {**manifest["files"], part: entry}}
                files["manifest.json"] = json.dumps(fitting).encode()
            found = Index(write(there, files))
            return [found.windows(feature).sum() for feature in range(min(found.n_features, 4))], found.texts.of([0])

        return own

    kinds = [Kind("index, manifest", (json.dumps(manifest).encode(),), with_("manifest.json"), json=True)]
    for part in ("columns", "windows", "places", "weights"):
        name = manifest["files"][part]["file"]
        kinds.append(Kind(f"index, {part}", (whole[name],), with_(name)))
    return kinds
