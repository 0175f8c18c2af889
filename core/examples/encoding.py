"""Bytes of a user's file to text, or a sentence that says what the file is instead."""

from __future__ import annotations

from core.errors import UserError

# What a file may be written in; the first is meant unless somebody says otherwise.
ENCODINGS = ("utf-8", "windows-1252", "iso-8859-15", "utf-16", "shift_jis", "gb18030", "euc-kr", "koi8-r", "mac-roman")

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# How files begin that people upload for a table because their name says so. Nothing is ever unpacked here.
_OTHERS = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook: take the table out of it, or save it as CSV (UTF-8)",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file: save it as CSV (UTF-8)",
    b"\x1f\x8b": "packed with gzip: unpack it first",
    b"\x28\xb5\x2f\xfd": "packed with zstd: unpack it first",
    b"BZh": "packed with bzip2: unpack it first",
    b"\xfd7zXZ": "packed with xz: unpack it first",
    b"7z\xbc\xaf": "a 7z archive: take the table out of it",
    b"%PDF-": "a PDF document: copy its text into a CSV or TXT file",
    b"\x89PNG": "a picture: give a file of texts",
    b"\xff\xd8\xff": "a picture: give a file of texts",
    b"GIF8": "a picture: give a file of texts",
    b"PAR1": "a Parquet file: save it as CSV or JSONL",
    b"ARROW1": "an Arrow file: save it as CSV or JSONL",
    b"SQLite format 3\0": "a database: save the table as CSV",
}


def decoded(name: str, data: bytes, encoding: str = "utf-8") -> str:
    """`data` as text, a byte order mark dropped. UTF-16 with such a mark is read too, whatever `encoding` says.

    Raises UserError, with the place, for what is no text in this encoding, and says what the file is if that is plain.
    """
    if encoding not in ENCODINGS:
        raise UserError(f"There is no encoding {encoding!r} here; use one of {', '.join(ENCODINGS)}.")
    for start, other in _OTHERS.items():
        if data.startswith(start):
            raise UserError(f"{name} is {other}.")
    if data.startswith(_UTF16):
        encoding = "utf-16"
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise UserError(_what_is_wrong(name, data, encoding, error)) from None
    if "\0" in text:
        byte = data.find(b"\0")
        what = "a text file" if data.count(b"\0") < len(data) / 4 else "UTF-8 text (UTF-16, it seems)"
        line = data.count(b"\n", 0, byte) + 1
        raise UserError(f"{name} is not {what}: byte {byte} (line {line}) is NUL; save it as UTF-8 text.")
    return text


def in_another_encoding(data: bytes) -> bool:
    """Whether these bytes may be text, but neither UTF-8 nor UTF-16 with its mark: somebody has to say which."""
    if data.startswith((*_OTHERS, *_UTF16)) or b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _what_is_wrong(name: str, data: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    line = data.count(b"\n", 0, error.start) + 1
    byte = data[error.start : error.start + 1]
    meant = byte.decode("windows-1252", "replace")
    # Only where the file is text but for its accents: random bytes have control characters all over.
    if encoding == "utf-8" and meant.isprintable() and meant != "\ufffd" and not any(c in data for c in range(9)):
        return (
            f"{name} is not UTF-8 text: byte {error.start} (line {line}) is 0x{byte.hex()}, a “{meant}” if this is"
            " Windows-1252; save it as UTF-8 (in Excel: “CSV UTF-8”), or say which encoding it has."
        )
    return (
        f"{name} is not {encoding.upper()} text: byte {error.start} (line {line}) is 0x{byte.hex()}; save it as UTF-8."
    )
