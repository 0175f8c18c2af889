"""What `find_layout` finds in every causal LM of transformers: `python -m tests.architectures_table` writes the list.

The list stands in docs/architectures.md between two marks; a slow test holds the page to it.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from transformers import PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from core.errors import UserError
from core.models.layout import Layout, find_layout
from core.models.trace import run_tokens, token_ids, watch
from tests.tiny import tiny_model

PAGE = Path(__file__).parent.parent / "docs" / "architectures.md"
BEGIN, END = "<!-- list: python -m tests.architectures_table -->", "<!-- end of list -->"
# Why these are refused, in fewer words than the sentence that the user gets, and more to the point.
REFUSALS = {
    "cpmant": "puts 32 places of its own before the text, so that places in its stream are not those of tokens",
    **dict.fromkeys(["deepseek_v4", "hy_v4"], "several residual streams side by side (hyper-connections)"),
    "gemma3n_text": "several residual streams side by side (AltUp)",
    "hrm_text": "runs its layers several times in one forward pass",
    "prophetnet": "predicts several tokens ahead, with one stream for each",
    "xlm": "has no blocks: attention, MLP and norms stand in lists of their own",
    "xlnet": "its stream is (tokens, batch, width)",
}
NAMES = tuple(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


@dataclass(frozen=True)
class Row:
    """One architecture. `problem`: why its layers are not found, or not exactly. `note`: what is unusual about it."""

    name: str
    built: bool
    problem: str
    note: str = ""
    layers: str = ""
    attention: str = ""
    mlp: str = ""
    hidden: str = ""

    @property
    def found(self) -> bool:
        return self.built and not self.problem


def examine(name: str) -> Row:
    """Build, find, and compare what goes through the layers with `output_hidden_states`, bit for bit."""
    try:
        network = tiny_model(name)
        run_tokens(network, token_ids(network, 2, 7))
    except Exception as error:  # noqa: BLE001  (whatever keeps transformers from building it is the answer)
        return Row(name, False, f"{type(error).__name__}: {' '.join(str(error).split())}"[:160])
    try:
        layout = find_layout(network)
    except UserError as error:
        return Row(name, True, REFUSALS.get(name, str(error).split(";")[0]))
    sites = (_kinds(layout.blocks, paths) for paths in (layout.attention, layout.mlp, layout.hidden))
    return Row(name, True, *differences(network, layout), layout.blocks[0].rsplit(".", 1)[0], *sites)


def differences(network: PreTrainedModel, layout: Layout) -> tuple[str, str]:
    """How the outputs of the blocks differ from `output_hidden_states` of plain transformers (a problem), and what is
    unusual in how transformers counts them (a note); both empty where there is nothing to say.

    hidden_states[L + 1] is the output of block L, except for the last, which has gone through the final norm.
    """
    ids = token_ids(network, 2, 7)
    with torch.no_grad():
        plain = network(input_ids=ids, use_cache=False, output_hidden_states=True).hidden_states
        named = {path: network.get_submodule(path) for path in (*layout.blocks, *filter(None, [layout.final_norm]))}
        calls = watch(named.items(), lambda: network(input_ids=ids, use_cache=False))
    out = {call.path: call.output for call in calls}
    ran = [path for path in layout.blocks if path in out]
    notes = []
    expected = getattr(network.config.get_text_config(decoder=True), "num_hidden_layers", None)
    if expected != len(layout.blocks):
        notes.append(f"the config says {expected} layers for {len(layout.blocks)} blocks")
    if len(ran) < len(layout.blocks):
        notes.append("blocks for images stand still and have no hidden state")
    if len(plain) != len(ran) + 1:
        return f"{len(ran)} layers, but {len(plain)} hidden states", ""
    if all(torch.equal(out[path], plain[n]) for n, path in enumerate(ran)):
        notes.append("hidden_states begins after block 0")
        return "", "; ".join(notes)
    wrong = [n for n, path in enumerate(ran[:-1]) if not torch.equal(out[path], plain[n + 1])]
    if wrong:
        return f"output differs from hidden_states at layers {wrong}", ""
    if not any(torch.equal(out[path], plain[-1]) for path in (ran[-1], layout.final_norm) if path):
        notes.append("the last hidden state has gone through more than a norm")
    return "", "; ".join(notes)


def _kinds(blocks: tuple[str, ...], paths: tuple[str | None, ...]) -> str:
    """The different places inside the block, in order of appearance."""
    inside = (path.removeprefix(f"{block}.") if path else "-" for block, path in zip(blocks, paths, strict=True))
    return ", ".join(dict.fromkeys(inside))


def shares(rows: list[Row]) -> tuple[int, int, int]:
    """Found, built, all."""
    return sum(row.found for row in rows), sum(row.built for row in rows), len(rows)


def text(rows: list[Row]) -> str:
    """The list, in Markdown."""
    found, built, everything = shares(rows)
    lines = [
        f"Found in {found} of the {built} architectures that can be built tiny ({found / built:.1%}), "
        f"or of all {everything} ({found / everything:.1%}), with transformers {transformers.__version__}.",
        "",
        "| architecture | layers | attention output | MLP output | MLP hidden (input of) |",
        "|---|---|---|---|---|",
        *(f"| {r.name} | {r.layers} | {r.attention} | {r.mlp} | {r.hidden} |" for r in rows if r.found),
        "",
        "Found, with something unusual about them:",
        "",
        *(f"- `{row.name}`: {row.note}." for row in rows if row.found and row.note),
        "",
        "Built, but not found, or not exactly:",
        "",
        *(f"- `{row.name}`: {row.problem}." for row in rows if row.built and row.problem),
        "",
        "Not built (nothing is known about them):",
        "",
        *(f"- `{row.name}`: {row.problem}" for row in rows if not row.built),
    ]
    return "\n".join(lines)


def documented() -> tuple[int, int, int]:
    """Found, built and all, as the page says."""
    match = re.search(
        r"Found in (\d+) of the (\d+) architectures .* of all (\d+)", PAGE.read_text("utf-8").replace("\n", " ")
    )
    assert match is not None
    return int(match[1]), int(match[2]), int(match[3])


def main() -> None:
    """Write the list into the page."""
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    rows = [examine(name) for name in NAMES]
    page = PAGE.read_text("utf-8")
    head, rest = page.split(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n\n{text(rows)}\n\n{END}{rest.split(END)[1]}", "utf-8")
    sys.stdout.write(f"{shares(rows)}\n")


if __name__ == "__main__":
    main()
