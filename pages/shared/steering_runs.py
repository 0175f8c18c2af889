"""Presets, earlier runs to compare with and go back to, recipes to keep."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import cached
from pages.shared.downloads import download_button, file_part
from pages.shared.errors import mendable
from pages.shared.links import choose, restore
from pages.shared.steering_links import choices_of
from pages.shared.text import plain, shortened, verbatim

if TYPE_CHECKING:
    from core.steering import Recipe
    from pages.shared.steered import Written

MOST = 20  # runs that are remembered
REPORTS = {"Markdown": ("md", "text/markdown"), "HTML": ("html", "text/html")}
PRESETS: dict[str, dict[str, object]] = {
    "Set the course": {"operator": "add", "positions": ["prompt"], "dose": 0.5, "when": ""},
    "Push every token": {"operator": "add", "positions": ["prompt", "first", "later"], "dose": 0.25, "when": ""},
    "Turn, keep the length": {
        "operator": "norm_add",
        "positions": ["prompt", "first", "later"],
        "dose": 0.5,
        "when": "",
    },
    "Take the concept out": {"operator": "ablate", "positions": ["prompt", "first", "later"], "dose": 1.0, "when": ""},
    "Only where it shows": {
        "operator": "add",
        "positions": ["prompt", "first", "later"],
        "dose": -0.5,
        "when": "token",
    },
}


@dataclass(frozen=True)
class Run:
    """An earlier run: what was written, the page's address then, and which run of this session it was."""

    written: Written
    choices: dict[str, str]
    number: int


def presets() -> None:
    """Buttons that set operator, tokens and dose of the first intervention."""
    st.caption("Ways to begin, for the first intervention:")
    with st.container(horizontal=True):
        for name, choices in PRESETS.items():
            st.button(name, key=f"preset_{name}", on_click=_choose_all, args=(choices,))


def _choose_all(choices: dict[str, object]) -> None:
    for key, value in choices.items():
        choose(key, value)


def remember(written: Written) -> None:
    """Put a run in front of the earlier ones, also one that was stopped."""
    if any((run.written.recipe, run.written.tokens) == (written.recipe, written.tokens) for run in _runs()):
        return
    runs = [run for run in _runs() if run.written.recipe != written.recipe]
    number = 1 + max((run.number for run in _runs()), default=0)
    st.session_state["steering_runs"] = [Run(written, dict(st.query_params), number), *runs][:MOST]


def history(now: Written | None) -> None:
    """Earlier runs: compare one with what is shown, or go back to its choices."""
    with st.expander("Recipes", icon=":material/menu_book:"):
        _saved_recipes()
    earlier = [run for run in _runs() if now is None or run.written.recipe != now.recipe]
    if not earlier:
        return
    with st.expander(f"Earlier runs ({len(earlier)})", icon=":material/history:"):
        by_number = {run.number: run for run in earlier}  # places in the list are other runs' after the next one
        number = st.selectbox(
            "Run",
            list(by_number),
            key="earlier_run",
            format_func=lambda number: _line(by_number[number]) if number in by_number else str(number),
            help="Runs of this session, the latest first.",
        )
        run = by_number[number]
        left, right = st.columns(2, border=True)
        for column, one, title in ((left, run.written, "Then"), (right, now, "Now")):
            column.markdown(f"**{title}**")
            if one is None:
                column.caption("Nothing was written with the present choices yet.")
                continue
            column.caption(plain("; ".join(one.acts)))
            column.markdown(f":gray[{verbatim(one.recipe.prompt)}]" + verbatim(one.text))
        st.button("Go back to these choices", icon=":material/undo:", key="undo", on_click=restore, args=(run.choices,))


def take_away(written: Written) -> None:
    """The run as a recipe: kept under a name, or as a file. The page's address is a link to it."""
    from core.steering import save_recipe

    with st.popover("Keep the recipe", icon=":material/menu_book:"):
        with st.form("save_recipe", border=False):
            name = st.text_input("Name", max_chars=64, key="recipe_name").strip()
            if st.form_submit_button("Keep"):
                with mendable():
                    save_recipe(_exact(written.recipe), name)
                    st.success(f"Kept. `python -m core steer MODEL --recipe {plain(name)}` runs it again.")
        download_button(
            "Recipe as JSON",
            lambda: _exact(written.recipe).to_text(),
            file_name=f"recipe-{file_part(written.recipe.parts[0].source.title)}.json",
            mime="application/json",
            icon=":material/data_object:",
            on_click="ignore",
            key="recipe_json",
        )
        for kind, (suffix, mime) in REPORTS.items():
            download_button(
                f"Report as {kind}",
                partial(_report, written, kind),
                file_name=f"steered-{file_part(written.recipe.parts[0].source.title)}.{suffix}",
                mime=mime,
                icon=":material/article:",
                on_click="ignore",
                key=f"run_report_{suffix}",
            )
        st.caption(
            "The address of this page rebuilds the run too, as long as saved directions stay what they are; a recipe "
            "says if one has changed."
        )


def _report(written: Written, kind: str) -> str:
    from core.steering import run_page, run_report
    from pages.shared.steered import ready_for
    from pages.shared.steering_look import looked

    recipe = written.recipe
    guards = looked(written)[1]
    made = run_page if kind == "HTML" else run_report
    return made(cached.model(recipe.model), ready_for(recipe), written.tokens, written.fired, guards)


def _exact(recipe: Recipe) -> Recipe:
    from core.steering import with_digests
    from pages.shared.steered import ready_for

    return with_digests(recipe, ready_for(recipe), cached.model(recipe.model))


def _saved_recipes() -> None:
    from core.steering import Recipe, list_recipes, load_recipe

    names = list_recipes()
    left, right = st.columns(2, gap="large")
    with left:
        name = st.selectbox("Kept recipes", names, index=None, placeholder="none chosen" if names else "none yet")
    with right:
        file = st.file_uploader(
            "A recipe's file", type="json", help="As `Keep the recipe` gives it.", max_upload_size=4
        )
    if name is None and file is None:
        return
    with mendable():
        recipe = load_recipe(name) if name is not None else Recipe.from_text(file.getvalue())  # type: ignore[union-attr]
        choices = choices_of(recipe)
        _check(recipe)
        st.caption(plain(shortened(f"{recipe.model}: {recipe.prompt}", 200)))
        st.button("Take over its choices", key="take_recipe", on_click=restore, args=(choices,))


def _check(recipe: Recipe) -> None:
    """Say what the page's address cannot hold: whether model and directions are those of the recipe."""
    from core.directions import load_direction
    from core.errors import UserError

    now = cached.known(recipe.model).fingerprint
    if recipe.fingerprint and recipe.fingerprint != now:
        st.warning(
            f"The recipe was saved with another {plain(recipe.model)} ({recipe.fingerprint[:8]}, now {now[:8]}); its "
            "texts will not be the same."
        )
    sources = [part.source for part in recipe.parts] + [part.when.source for part in recipe.parts if part.when]
    for source in sources:
        if source.kind != "saved":
            continue
        found = load_direction(source.of)
        if found.model_fingerprint != now:
            raise UserError(f"{source.of!r} was made for {found.model_id}, not for this {recipe.model}.")
        if source.digest and source.digest != found.digest:
            st.warning(f"{plain(source.of)} is not the direction any more that the recipe was saved with.")


def _runs() -> list[Run]:
    found: list[Run] = st.session_state.get("steering_runs", [])
    return found


def _line(run: Run) -> str:
    return shortened(f"{'; '.join(run.written.acts)} → {run.written.text}", 120)
