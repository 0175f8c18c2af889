"""A recipe: everything that decides a steered text, as plain values that can be kept, sent and run again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from typing import Any, Literal

from core.errors import UserError
from core.steering import reading_json as read
from core.steering.decoding import Decoding
from core.steering.interventions import check_dose
from core.steering.operators import operator_named
from core.steering.positions import Positions, positions_named
from core.steering.sources import Source
from core.steering.targets import MOST as MOST_TARGETS
from core.steering.targets import check_targets
from core.steering.texts import PROMPT_CHARACTERS
from core.steering.turns import ROLES, Role, Turn

VERSION = 1
LARGEST = 4_000_000  # bytes of a recipe's file
PARTS, RANGES, TURNS = 32, 64, 200  # at most


@dataclass(frozen=True)
class When:
    """When a part acts: on tokens, or in inputs, where `source` reads above a value.

    above: in standard deviations of single tokens of 20 neutral prompts, from their mean (0 is an ordinary token).
    layer: where it is read; None for the layer of the source.
    """

    per: Literal["input", "token"]
    above: float
    source: Source
    layer: int | None = None

    def __post_init__(self) -> None:
        if self.per not in ("input", "token"):
            raise UserError(f"A condition is judged per input or per token, not per {self.per!r}.")
        if not isfinite(self.above) or abs(self.above) > 1000:
            raise UserError(f"A condition needs a value between -1000 and 1000 to be above, not {self.above}.")

    def to_json(self) -> dict[str, Any]:
        value = {"per": self.per, "above": self.above, "source": self.source.to_json()}
        return value if self.layer is None else value | {"layer": self.layer}

    @classmethod
    def from_json(cls, value: Any) -> When:
        got = read.mapping(value, "A condition", ("per", "above", "source", "layer"))
        per: Any = read.text(got.get("per", "token"), "'per' of a condition")
        above = read.number(got.get("above", 0), "'above' of a condition")
        layer = got.get("layer")
        source = Source.from_json(got.get("source"))
        return cls(per, above, source, None if layer is None else read.whole(layer, "'layer' of a condition"))


@dataclass(frozen=True)
class Part:
    """One intervention of a recipe: `operator` along the direction of `source`, by `dose`.

    layers: where it acts; none is the direction's own layer. A direction that is made from examples, words or texts
    is made anew at each; any other acts there with the same vector. tokens: switches of `Positions` that are on.
    ranges: of the prompt only these tokens. turns: of a conversation only what this side said, and what is generated.
    """

    source: Source
    dose: float = 0.5
    operator: str = "add"
    layers: tuple[int, ...] = ()
    tokens: tuple[str, ...] = ("prompt",)
    ranges: tuple[tuple[int, int], ...] | None = None
    turns: Role | None = None
    when: When | None = None

    def __post_init__(self) -> None:
        check_dose(self.dose)
        operator_named(self.operator)
        _ = self.positions
        if self.turns is not None and self.turns not in ROLES:
            raise UserError(f"There is no role {self.turns!r} in a chat; there are {', '.join(ROLES)}.")
        if self.turns is not None and self.ranges is not None:
            raise UserError("Give token ranges or the turns of one side, not both.")
        if len(self.ranges or ()) > RANGES or len(self.layers) > 1000:
            raise UserError(f"An intervention takes at most {RANGES} token ranges and 1000 layers.")
        if bad := [layer for layer in self.layers if layer < 0]:
            raise UserError(f"There is no layer {bad[0]}: layers are counted from 0.")

    @property
    def positions(self) -> Positions:
        """Before turns are looked up."""
        return replace(positions_named(self.tokens), within=self.ranges)

    def to_json(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "operator": self.operator,
            "source": self.source.to_json(),
            "dose": self.dose,
            "tokens": list(self.tokens),
        }
        value |= {"layers": list(self.layers)} if self.layers else {}
        value |= {} if self.ranges is None else {"ranges": [list(ends) for ends in self.ranges]}
        value |= {} if self.turns is None else {"turns": self.turns}
        return value if self.when is None else value | {"when": self.when.to_json()}

    @classmethod
    def from_json(cls, value: Any) -> Part:
        known = ("operator", "source", "dose", "tokens", "layers", "ranges", "turns", "when")
        got = read.mapping(value, "An intervention", known)
        if "source" not in got or "dose" not in got:
            raise UserError("An intervention needs a source and a dose.")
        layers = read.items(got.get("layers", []), "'layers'", most=1000)
        tokens = read.items(got.get("tokens", ["prompt"]), "'tokens'", most=8)
        turns: Any = got.get("turns")
        return cls(
            source=Source.from_json(got["source"]),
            dose=read.number(got["dose"], "A dose"),
            operator=read.text(got.get("operator", "add"), "'operator'"),
            layers=tuple(read.whole(layer, "A layer") for layer in layers),
            tokens=tuple(read.text(name, "A name in 'tokens'") for name in tokens),
            ranges=_ranges(got.get("ranges")),
            turns=None if turns is None else read.text(turns, "'turns'"),  # type: ignore[arg-type]
            when=None if got.get("when") is None else When.from_json(got["when"]),
        )


@dataclass(frozen=True)
class Recipe:
    """Model, interventions, generation and prompt of one steered text.

    model: as it is opened. fingerprint: of the model, "" if any will do. prompt: text to go on from, or with `chat` a
    user's turn; else `turns`, a conversation. parts: in the order in which they act at one place. targets: next words
    whose probability is watched; they decide no text.
    """

    model: str
    prompt: str = ""
    parts: tuple[Part, ...] = ()
    decoding: Decoding = field(default_factory=Decoding)
    chat: bool = False
    turns: tuple[Turn, ...] = ()
    fingerprint: str = ""
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_targets(self.targets)
        if len(self.parts) > PARTS or len(self.turns) > TURNS:
            raise UserError(f"A recipe holds at most {PARTS} interventions and {TURNS} turns.")
        length = len(self.prompt) + sum(len(turn.content) for turn in self.turns)
        if length > PROMPT_CHARACTERS:
            raise UserError(f"The prompt has {length:,} characters; use at most {PROMPT_CHARACTERS:,}.")
        if self.prompt.strip() and self.turns:
            raise UserError("A recipe goes on from a prompt or from a conversation, not from both.")
        if any(part.turns for part in self.parts) and not (self.turns or self.chat):
            raise UserError("Only a chat has turns that a push could be kept to; switch the chat template on.")

    def to_json(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "conceptscope": "recipe",
            "version": VERSION,
            "model": self.model,
            "fingerprint": self.fingerprint,
            "prompt": self.prompt,
            "chat": self.chat,
            "interventions": [part.to_json() for part in self.parts],
            "generation": asdict(self.decoding),
        }
        value |= {"targets": list(self.targets)} if self.targets else {}
        return value | ({"turns": [asdict(turn) for turn in self.turns]} if self.turns else {})

    def to_text(self) -> str:
        """As a file holds it."""
        return json.dumps(self.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_text(cls, text: str | bytes) -> Recipe:
        """The recipe in a file. Raises UserError, saying what is wrong where, for anything else."""
        return cls.from_json(read.parsed(text, "The recipe", largest=LARGEST))

    @classmethod
    def from_json(cls, value: Any) -> Recipe:
        known = ("conceptscope", "version", "model", "fingerprint", "prompt", "chat", "interventions", "generation")
        got = read.mapping(value, "A recipe", (*known, "turns", "targets"))
        if got.get("conceptscope", "recipe") != "recipe":
            raise UserError("This file is not a recipe of ours.")
        if (version := got.get("version", VERSION)) != VERSION:
            raise UserError(f"The recipe is of version {str(version)[:20]}, and only {VERSION} is read here.")
        if not isinstance(chat := got.get("chat", False), bool):
            raise UserError("'chat' of a recipe is true or false.")
        parts = read.items(got.get("interventions", []), "'interventions'", most=PARTS)
        turns = read.items(got.get("turns", []), "'turns'", most=TURNS)
        targets = read.items(got.get("targets", []), "'targets'", most=MOST_TARGETS)
        return cls(
            model=read.text(got.get("model", ""), "'model'"),
            prompt=read.text(got.get("prompt", ""), "'prompt'"),
            parts=tuple(Part.from_json(part) for part in parts),
            decoding=_decoding(got.get("generation", {})),
            chat=chat,
            turns=tuple(_turn(turn) for turn in turns),
            fingerprint=read.text(got.get("fingerprint", ""), "'fingerprint'"),
            targets=tuple(read.text(word, "A target word") for word in targets),
        )


def _decoding(value: Any) -> Decoding:
    kinds = asdict(Decoding())
    got = read.mapping(value, "'generation'", tuple(kinds))
    wanted: dict[str, Any] = {
        name: (read.whole if isinstance(kinds[name], int) else read.number)(one, f"{name!r} of a recipe")
        for name, one in got.items()
    }
    return Decoding(**wanted)


def _turn(value: Any) -> Turn:
    got = read.mapping(value, "A turn", ("role", "content"))
    role: Any = read.text(got.get("role", ""), "The role of a turn")
    return Turn(role, read.text(got.get("content", ""), "The content of a turn"))


def _ranges(value: Any) -> tuple[tuple[int, int], ...] | None:
    if value is None:
        return None
    pairs: Sequence[Any] = read.items(value, "'ranges'", most=RANGES)
    if any(not isinstance(pair, list) or len(pair) != 2 for pair in pairs):
        raise UserError("'ranges' takes pairs of numbers, such as [[0, 4]].")
    return tuple((read.whole(a, "A token's number"), read.whole(b, "A token's number")) for a, b in pairs)
