"""GGUF control vectors, byte by byte, as llama.cpp and repeng read and write them.

One tensor `direction.{L}` per layer, float32 (width,), is added to the residual stream after block L, counted from 0.
Both readers take L from the tensor's name; llama.cpp ends with an error at L = 0, since it never pushes after its
first block. Layout of the file (GGUF 3, little-endian): magic, version, numbers of tensors and of keys; the keys; name,
shape, type and offset of each tensor; then, from the next multiple of 32 bytes, the tensors, each filled up to one.

The reader is our own because it meets files of strangers: it looks at nothing beyond the file's end, and no count
that the file claims is believed before the bytes for it are there.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.directions.packed import Unfit

ALIGNMENT = 32
LARGEST = 64 << 20  # bytes; 200 layers of width 65,536 are 52 MB
MOST = 4096  # tensors, and keys

STRING, UINT32, ARRAY = 8, 4, 9
FLOAT32, FLOAT16 = 0, 1
# struct codes of GGUF's plain value types
_PLAIN = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


@dataclass(frozen=True, eq=False)
class ControlVector:
    """One vector (width,) float32 per layer. hint: kind of network that they are for, such as `llama`."""

    hint: str
    vectors: Mapping[int, np.ndarray]


def write(vector: ControlVector, *, title: str = "") -> bytes:
    """The bytes of the file. Layers are counted from 0 and must not hold 0 (see above)."""
    if 0 in vector.vectors or not vector.vectors:
        raise ValueError("a control vector holds layers from 1 on")
    keys = [
        _key("general.architecture", "controlvector"),
        _key("general.name", title),
        _key("controlvector.model_hint", vector.hint),
        _string("controlvector.layer_count") + struct.pack("<II", UINT32, len(vector.vectors)),
    ]
    infos, data = b"", b""
    for layer, values in sorted(vector.vectors.items()):
        own = np.ascontiguousarray(values, dtype="<f4").tobytes()
        infos += _string(f"direction.{layer}") + struct.pack("<IQIQ", 1, len(values), FLOAT32, len(data))
        data += own + bytes(-len(own) % ALIGNMENT)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(vector.vectors), len(keys)) + b"".join(keys) + infos
    return head + bytes(-len(head) % ALIGNMENT) + data


def read(data: bytes) -> ControlVector:
    """The control vector in a file's bytes. Raises Unfit for anything else."""
    if len(data) > LARGEST:
        raise Unfit(f"it is larger than {LARGEST >> 20} MB")
    reader = _Reader(data)
    if reader.take(4) != b"GGUF":
        raise Unfit("it does not begin with GGUF")
    version, n_tensors, n_keys = (int(reader.plain(code)) for code in "IQQ")
    if version not in (2, 3):
        raise Unfit(f"its GGUF version is {version}, not 2 or 3")
    if max(n_tensors, n_keys) > MOST:
        raise Unfit(f"it claims {n_tensors} tensors and {n_keys} keys, more than {MOST}")
    keys: dict[str, object] = {}
    for _ in range(n_keys):
        name = reader.string()
        keys[name] = reader.value(int(reader.plain("I")))
    if (architecture := keys.get("general.architecture")) != "controlvector":
        raise Unfit(f"it is of the architecture {str(architecture)[:40]!r}, not a controlvector")
    infos = [_info(reader) for _ in range(n_tensors)]
    alignment = keys.get("general.alignment", ALIGNMENT)
    if not isinstance(alignment, int) or not 1 <= alignment <= 1 << 16:
        raise Unfit("its alignment is no sound number")
    start = -(-reader.place // alignment) * alignment
    vectors: dict[int, np.ndarray] = {}
    for layer, width, kind, offset in infos:
        if layer in vectors:
            raise Unfit(f"it holds two vectors for layer {layer}")
        values = _Reader(data, start + offset).take(width * (4 if kind == FLOAT32 else 2))
        vectors[layer] = np.frombuffer(values, dtype="<f4" if kind == FLOAT32 else "<f2").astype(np.float32)
    if not vectors:
        raise Unfit("it holds no direction")
    if len({len(values) for values in vectors.values()}) > 1:
        raise Unfit("its vectors are of different widths")
    return ControlVector(str(keys.get("controlvector.model_hint", ""))[:100], vectors)


def _info(reader: _Reader) -> tuple[int, int, int, int]:
    """Layer, width, type and offset of one tensor."""
    name, n_axes = reader.string(), int(reader.plain("I"))
    stem, _, number = name.partition(".")
    if stem != "direction" or not number.isascii() or not number.isdigit() or len(number) > 6:
        raise Unfit(f"it holds the tensor {name[:40]!r}, which is no direction.<layer>")
    if n_axes != 1:
        raise Unfit(f"its tensor {name} has {n_axes} axes, not one")
    width, kind, offset = (int(reader.plain(code)) for code in "QIQ")
    if kind not in (FLOAT32, FLOAT16):
        raise Unfit(f"its tensor {name} is of the GGUF type {kind}; float32 (0) and float16 (1) are read")
    if not width:
        raise Unfit(f"its tensor {name} holds no numbers")
    return int(number), width, kind, offset


def _string(text: str) -> bytes:
    data = text.encode("utf-8", errors="replace")
    return struct.pack("<Q", len(data)) + data


def _key(name: str, value: str) -> bytes:
    return _string(name) + struct.pack("<I", STRING) + _string(value)


@dataclass
class _Reader:
    """Walks through the bytes and never past their end."""

    data: bytes
    place: int = 0

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.place:
            raise Unfit("it ends before it should")
        self.place += size
        return self.data[self.place - size : self.place]

    def plain(self, code: str) -> float:
        (value,) = struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))
        return value

    def string(self) -> str:
        return self.take(int(self.plain("Q"))).decode("utf-8", errors="replace")

    def value(self, kind: int) -> object:
        """One value; arrays are walked over and left out, since a control vector needs none."""
        if kind == STRING:
            return self.string()
        if kind in _PLAIN:
            return self.plain(_PLAIN[kind])
        if kind != ARRAY:
            raise Unfit(f"it holds a value of the unknown type {kind}")
        of, count = int(self.plain("I")), int(self.plain("Q"))
        if of in _PLAIN:
            self.take(count * struct.calcsize(f"<{_PLAIN[of]}"))
        elif of == STRING:
            for _ in range(count):  # each takes eight bytes at the least, so the file's end ends this
                self.string()
        else:
            raise Unfit(f"it holds an array of the type {of}")
        return None
