"""Numbers about numbers: areas under curves and their intervals, from plain arrays."""

from core.stats.auroc import auroc
from core.stats.bootstrap import auroc_interval

__all__ = ["auroc", "auroc_interval"]
