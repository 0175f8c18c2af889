"""TensorBoard's event files, written by hand: a few numbers per step need no library.

A file is a sequence of records: length (8 bytes), its checksum (4), data, their checksum (4). The data is an `Event`
of tensorflow/core/util/event.proto in protobuf's wire format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

_POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), bits reversed


def _table() -> list[int]:
    found = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
        found.append(byte)
    return found


_TABLE = _table()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """One record around `data`."""
    head = struct.pack("<Q", len(data))
    return head + _masked(head) + data + _masked(data)


def first_record(at: float) -> bytes:
    """What a file begins with; at: seconds since the epoch."""
    return record(_double(1, at) + _bytes(3, b"brain.Event:2"))


def scalars(at: float, step: int, values: Mapping[str, float]) -> bytes:
    """A record of named numbers at `step`."""
    summary = b"".join(
        _bytes(1, _bytes(1, name.encode()) + b"\x15" + struct.pack("<f", value)) for name, value in values.items()
    )
    return record(_double(1, at) + b"\x10" + _varint(step) + _bytes(5, summary))


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def _double(number: int, value: float) -> bytes:
    return bytes([number << 3 | 1]) + struct.pack("<d", value)


def _bytes(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    return bytes(_septets(value))


def _septets(value: int) -> Iterator[int]:
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value
