"""Charts: arrays in, plotly figures out; the only room that knows plotly."""

from core.charts.colours import SERIES, SYMBOLS
from core.charts.cosines import cosine_map
from core.charts.heat import heat_map
from core.charts.layers import Curve, Level, layer_curves

__all__ = ["SERIES", "SYMBOLS", "Curve", "Level", "cosine_map", "heat_map", "layer_curves"]
