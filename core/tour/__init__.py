"""The tour of a first visit: one concept through the four views, computed before, so that nobody waits."""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.tour.making import make_tour, sources
    from core.tour.tour import PATH, Tour, Window, Written, open_tour

__all__ = ["PATH", "Tour", "Window", "Written", "make_tour", "open_tour", "sources"]

__getattr__ = attach(
    __name__,
    {
        "PATH": "tour",
        "Tour": "tour",
        "Window": "tour",
        "Written": "tour",
        "make_tour": "making",
        "open_tour": "tour",
        "sources": "making",
    },
)
