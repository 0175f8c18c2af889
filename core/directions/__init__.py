"""Directions of concepts: finders, and the library of what was found."""

from core.directions.algebra import check_same_site, combine, combine_saved, cosines, orthogonalise
from core.directions.check import Check
from core.directions.difference import ModelDifference
from core.directions.diffmean import DiffMean
from core.directions.direction import Direction, check_fits, site_of
from core.directions.exports import FORMATS, export, typical_lengths
from core.directions.finder import Finder, Settled
from core.directions.imports import Place, import_directions
from core.directions.lda import LDA
from core.directions.library import (
    delete_direction,
    list_directions,
    load_direction,
    rename_direction,
    save_direction,
    save_directions,
)
from core.directions.logistic import Logistic
from core.directions.make import make_direction
from core.directions.method import Found, Method, Reading
from core.directions.methods import METHODS, method_named
from core.directions.observable import Observable
from core.directions.parameters import Parameter, parameter, parameters, with_parameters
from core.directions.pca import PairedPCA
from core.directions.prepared import Prepared
from core.directions.ridge import Ridge
from core.directions.rows import Rows, usable_rows
from core.directions.sources import SOURCES, ModelPair, Texts, TokenLists
from core.directions.table import FINDERS, finder_named

__all__ = [
    "FINDERS",
    "FORMATS",
    "LDA",
    "METHODS",
    "SOURCES",
    "Check",
    "DiffMean",
    "Direction",
    "Finder",
    "Found",
    "Logistic",
    "Method",
    "ModelDifference",
    "ModelPair",
    "Observable",
    "PairedPCA",
    "Parameter",
    "Place",
    "Prepared",
    "Reading",
    "Ridge",
    "Rows",
    "Settled",
    "Texts",
    "TokenLists",
    "check_fits",
    "check_same_site",
    "combine",
    "combine_saved",
    "cosines",
    "delete_direction",
    "export",
    "finder_named",
    "import_directions",
    "list_directions",
    "load_direction",
    "make_direction",
    "method_named",
    "orthogonalise",
    "parameter",
    "parameters",
    "rename_direction",
    "save_direction",
    "save_directions",
    "site_of",
    "typical_lengths",
    "usable_rows",
    "with_parameters",
]
