"""Steering: pushing a model along a direction while it writes, token by token."""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.steering.decoding import Decoding
    from core.steering.dose_curves import compare_slopes, curve, recommended_range
    from core.steering.dose_sweep import DoseSweep, Judges, sweep_doses
    from core.steering.features import CodeEdit, Feature
    from core.steering.folded_files import FoldedModel, delete_folded, list_folded, save_folded
    from core.steering.folding import Edit, Folded, fold, places_of
    from core.steering.generate import Step, stream
    from core.steering.guarding import Guards, guards
    from core.steering.interventions import Condition, Intervention, check_dose
    from core.steering.layer_sweep import AtLayer, sweep_layers
    from core.steering.looking import Alternative, Seen, look, pieces_of
    from core.steering.measures import Measure, embedding_measure, other_layer, probe_measure
    from core.steering.operators import OPERATORS, Operator, operator_named
    from core.steering.playing import Moment, first_difference, play
    from core.steering.positions import DEFAULT_POSITIONS, Positions, positions_named
    from core.steering.reading import readings
    from core.steering.ready import Made, Ready, only, prepare, with_digests
    from core.steering.recipe import Part, Recipe, When
    from core.steering.recipe_texts import RecipeRun, run_recipe
    from core.steering.recipes import delete_recipe, keep_for_job, list_recipes, load_recipe, read_recipe, save_recipe
    from core.steering.report import run_page, run_report
    from core.steering.sharing import Waiting, share
    from core.steering.sources import Source, checked, direction_for
    from core.steering.sweep_json import sweep_of
    from core.steering.targets import check_targets, parse_targets
    from core.steering.texts import SteeredText, steer, steer_stream, text_of
    from core.steering.turns import Turn

__all__ = [
    "DEFAULT_POSITIONS",
    "OPERATORS",
    "Alternative",
    "AtLayer",
    "CodeEdit",
    "Condition",
    "Decoding",
    "DoseSweep",
    "Edit",
    "Feature",
    "Folded",
    "FoldedModel",
    "Guards",
    "Intervention",
    "Judges",
    "Made",
    "Measure",
    "Moment",
    "Operator",
    "Part",
    "Positions",
    "Ready",
    "Recipe",
    "RecipeRun",
    "Seen",
    "Source",
    "SteeredText",
    "Step",
    "Turn",
    "Waiting",
    "When",
    "check_dose",
    "check_targets",
    "checked",
    "compare_slopes",
    "curve",
    "delete_folded",
    "delete_recipe",
    "direction_for",
    "embedding_measure",
    "first_difference",
    "fold",
    "guards",
    "keep_for_job",
    "list_folded",
    "list_recipes",
    "load_recipe",
    "look",
    "only",
    "operator_named",
    "other_layer",
    "parse_targets",
    "pieces_of",
    "places_of",
    "play",
    "positions_named",
    "prepare",
    "probe_measure",
    "read_recipe",
    "readings",
    "recommended_range",
    "run_page",
    "run_recipe",
    "run_report",
    "save_folded",
    "save_recipe",
    "share",
    "steer",
    "steer_stream",
    "stream",
    "sweep_doses",
    "sweep_layers",
    "sweep_of",
    "text_of",
    "with_digests",
]

__getattr__ = attach(
    __name__,
    {
        "Alternative": "looking",
        "AtLayer": "layer_sweep",
        "CodeEdit": "features",
        "Condition": "interventions",
        "DEFAULT_POSITIONS": "positions",
        "Decoding": "decoding",
        "DoseSweep": "dose_sweep",
        "Edit": "folding",
        "Feature": "features",
        "Folded": "folding",
        "FoldedModel": "folded_files",
        "Guards": "guarding",
        "Intervention": "interventions",
        "Judges": "dose_sweep",
        "Made": "ready",
        "Measure": "measures",
        "Moment": "playing",
        "OPERATORS": "operators",
        "Operator": "operators",
        "Part": "recipe",
        "Positions": "positions",
        "Ready": "ready",
        "Recipe": "recipe",
        "RecipeRun": "recipe_texts",
        "Seen": "looking",
        "Source": "sources",
        "SteeredText": "texts",
        "Step": "generate",
        "Turn": "turns",
        "Waiting": "sharing",
        "When": "recipe",
        "check_dose": "interventions",
        "check_targets": "targets",
        "checked": "sources",
        "compare_slopes": "dose_curves",
        "curve": "dose_curves",
        "delete_folded": "folded_files",
        "delete_recipe": "recipes",
        "direction_for": "sources",
        "embedding_measure": "measures",
        "first_difference": "playing",
        "fold": "folding",
        "guards": "guarding",
        "keep_for_job": "recipes",
        "list_folded": "folded_files",
        "list_recipes": "recipes",
        "load_recipe": "recipes",
        "look": "looking",
        "only": "ready",
        "operator_named": "operators",
        "other_layer": "measures",
        "parse_targets": "targets",
        "pieces_of": "looking",
        "places_of": "folding",
        "play": "playing",
        "positions_named": "positions",
        "prepare": "ready",
        "probe_measure": "measures",
        "read_recipe": "recipes",
        "readings": "reading",
        "recommended_range": "dose_curves",
        "run_page": "report",
        "run_recipe": "recipe_texts",
        "run_report": "report",
        "save_folded": "folded_files",
        "save_recipe": "recipes",
        "share": "sharing",
        "steer": "texts",
        "steer_stream": "texts",
        "stream": "generate",
        "sweep_doses": "dose_sweep",
        "sweep_layers": "layer_sweep",
        "sweep_of": "sweep_json",
        "text_of": "texts",
        "with_digests": "ready",
    },
)
