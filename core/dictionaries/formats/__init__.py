"""Dictionaries as files: the SAELens directory, what older versions of it said, and what may lie beside it."""

from core.dictionaries.formats.saelens import CONFIG, SPARSITY, WEIGHTS, Files, read_files, to_bytes

__all__ = ["CONFIG", "SPARSITY", "WEIGHTS", "Files", "read_files", "to_bytes"]
