"""Engines: where work that falls into independent pieces is done, here or by workers of a Ray cluster.

A piece is a plain value that says what to do and returns a plain value; whoever does it holds the model. What is done
with the answers (`record_on`, `index_on`, `probe_all_on`, `scan_on`) is the same for every engine, and so are they.
"""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.engines.indexing import index_on
    from core.engines.local import LocalEngine
    from core.engines.on_ray import RayEngine
    from core.engines.probing import probe_all_on
    from core.engines.recording import record_on
    from core.engines.scanning import scan_on
    from core.engines.team import Done, Engine, Holder, Piece, Team

__all__ = [
    "Done",
    "Engine",
    "Holder",
    "LocalEngine",
    "Piece",
    "RayEngine",
    "Team",
    "index_on",
    "probe_all_on",
    "record_on",
    "scan_on",
]

__getattr__ = attach(
    __name__,
    {
        "Done": "team",
        "Engine": "team",
        "Holder": "team",
        "LocalEngine": "local",
        "Piece": "team",
        "RayEngine": "on_ray",
        "Team": "team",
        "index_on": "indexing",
        "probe_all_on": "probing",
        "record_on": "recording",
        "scan_on": "scanning",
    },
)
