"""Bootstrap intervals that mend the bias of their resamples."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray


def bias_corrected(estimate: float, resamples: NDArray, *, level: float = 0.95) -> tuple[float, float]:
    """Bias-corrected percentile interval (Efron 1981, "Nonparametric standard errors and confidence intervals").

    resamples: (r,) the statistic of every resample. Where they lie mostly on one side of the estimate, the quantiles
    are moved to the other side, by twice the normal quantile of the share below it (ties by half).
    """
    normal, r = NormalDist(), len(resamples)
    share = (float((resamples < estimate).sum()) + 0.5 * float((resamples == estimate).sum())) / r
    shift = normal.inv_cdf(min(max(share, 0.5 / r), 1 - 0.5 / r))
    ends = [normal.cdf(2 * shift + normal.inv_cdf(tail)) for tail in ((1 - level) / 2, (1 + level) / 2)]
    low, high = np.quantile(resamples, ends)
    return float(low), float(high)
