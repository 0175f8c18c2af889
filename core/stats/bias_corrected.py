"""Bootstrap intervals that mend the bias of their resamples."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray


def bias_corrected(estimate: float, resamples: NDArray, *, level: float = 0.95) -> tuple[float, float]:
    """Bias-corrected percentile interval (Efron 1981, "Nonparametric standard errors and confidence intervals").

    resamples: (r,) the statistic of every resample. Where they lie mostly on one side of the estimate, the quantiles
    are moved to the other side, by twice the normal quantile of the share below it (ties by half). They move so far
    that one end stands at the median, and no farther: where all resamples lie on one side, both ends would be the
    outermost one. The estimate is never outside.
    """
    normal, r = NormalDist(), len(resamples)
    share = (float((resamples < estimate).sum()) + 0.5 * float((resamples == estimate).sum())) / r
    most = normal.inv_cdf((1 + level) / 2) / 2
    shift = min(max(normal.inv_cdf(min(max(share, 0.5 / r), 1 - 0.5 / r)), -most), most)
    ends = [normal.cdf(2 * shift + normal.inv_cdf(tail)) for tail in ((1 - level) / 2, (1 + level) / 2)]
    low, high = np.quantile(resamples, ends)
    return min(float(low), estimate), max(float(high), estimate)
