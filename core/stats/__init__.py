"""Numbers about numbers: areas under curves and their intervals, from plain arrays."""

from core.stats.auroc import auroc
from core.stats.bootstrap import auroc_interval, auroc_intervals, bootstrap_aurocs, over_resamples
from core.stats.columns import aurocs
from core.stats.differences import auroc_leads, difference_ends
from core.stats.means import mean_interval

__all__ = [
    "auroc",
    "auroc_interval",
    "auroc_intervals",
    "auroc_leads",
    "aurocs",
    "bootstrap_aurocs",
    "difference_ends",
    "mean_interval",
    "over_resamples",
]
