"""Charts: arrays in, plotly figures out; the only room that knows plotly."""

from plotly.graph_objects import Figure

from core.charts.bars import Bars, bars
from core.charts.cells import MapCell, cell_map
from core.charts.colours import SERIES, SYMBOLS
from core.charts.cosines import cosine_map
from core.charts.grid import grid
from core.charts.heat import heat_map
from core.charts.landscape import Place, landscape
from core.charts.layers import Curve, Level, layer_curves
from core.charts.lines import Line, lines
from core.charts.marks import Mark, marks
from core.charts.nulls import NullBar, null_bars, null_histogram
from core.charts.panels import Measure, measures
from core.charts.parts import against, parts
from core.charts.points import points
from core.charts.reliability import Said, reliability
from core.charts.standalone import figure_values, plotly_script

__all__ = [
    "SERIES",
    "SYMBOLS",
    "Bars",
    "Curve",
    "Figure",
    "Level",
    "Line",
    "MapCell",
    "Mark",
    "Measure",
    "NullBar",
    "Place",
    "Said",
    "against",
    "bars",
    "cell_map",
    "cosine_map",
    "figure_values",
    "grid",
    "heat_map",
    "landscape",
    "layer_curves",
    "lines",
    "marks",
    "measures",
    "null_bars",
    "null_histogram",
    "parts",
    "plotly_script",
    "points",
    "reliability",
]
