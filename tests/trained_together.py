"""A training run that several processes make together, or one alone: `python -m tests.trained_together --help`.

With --stop it ends by itself after so many tokens, as a killed run does; its checkpoints are written after every block.
"""

from __future__ import annotations

import argparse

from core.dictionaries.training import run
from core.dictionaries.training.recipe import Recipe
from core.dictionaries.training.sources import FromModel
from core.dictionaries.training.table import METHODS
from core.dictionaries.training.together import together
from core.directions.parameters import with_parameters
from core.models import open_model
from core.progress import Progress
from tests.tiny import SENTENCES

TEXTS = [f"{one} And then {number} more came." for number in range(6) for one in SENTENCES]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("name")
    parser.add_argument("--method", default="topk")
    parser.add_argument("--stop", type=int)
    args = parser.parse_args()
    run.SECONDS = 0.0
    team = together("cpu")
    model = open_model(args.model, device="cpu")
    recipe = Recipe(features=24, tokens=1500, batch=100, block=8, patience=400, rate=3e-3)

    def stop(moment: Progress) -> None:
        if args.stop is not None and moment.done >= args.stop:
            raise SystemExit(0)

    source = FromModel(model, model.site(1), TEXTS, recipe)
    method = with_parameters(METHODS[args.method], {"k": 4})
    found = run.train(model, model.site(1), method, recipe, source, name=args.name, team=team, progress=stop)
    if team is None or team.first:
        print("resumed", found.resumed)


if __name__ == "__main__":
    main()
