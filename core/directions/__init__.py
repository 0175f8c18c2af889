"""Directions of concepts: finders, and the library of what was found."""

from core.directions.diffmean import DiffMean
from core.directions.direction import Direction, check_fits
from core.directions.finder import Finder, Settled
from core.directions.library import (
    delete_direction,
    list_directions,
    load_direction,
    rename_direction,
    save_direction,
)
from core.directions.logistic import Logistic
from core.directions.make import make_direction
from core.directions.parameters import Parameter, parameter, parameters, with_parameters
from core.directions.rows import Rows, usable_rows
from core.directions.table import FINDERS, finder_named

__all__ = [
    "FINDERS",
    "DiffMean",
    "Direction",
    "Finder",
    "Logistic",
    "Parameter",
    "Rows",
    "Settled",
    "check_fits",
    "delete_direction",
    "finder_named",
    "list_directions",
    "load_direction",
    "make_direction",
    "parameter",
    "parameters",
    "rename_direction",
    "save_direction",
    "usable_rows",
    "with_parameters",
]
