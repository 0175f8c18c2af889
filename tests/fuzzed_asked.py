"""What is asked of the program in words: command lines, and addresses of its pages."""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path

from core.errors import UserError
from tests.fuzzing import Kind

LONGEST = 12  # words of a command line; values in it are cut to 200 characters, as no shell would mind more


def asked(directory: Path) -> list[Kind]:
    """directory: of a tiny model. The workspace gets a set of texts and a direction of it."""
    model = str(directory)
    _prepare(model)
    commands = [
        ["models"],
        ["examples show", "moods"],
        ["record", model, "--examples", "moods", "--layers", "1", "--limit", "20"],
        ["probe", model, "--examples", "moods", "--layers", "0,1", "--limit", "24", "--methods", "diffmean"],
        ["direction", model, "--examples", "moods", "--layer", "1", "--save", "made", "--limit", "20"],
        ["direction show", "pasted"],
        ["direction combine", "pasted - 0.5*pasted", "--save", "sum"],
        [
            "steer",
            model,
            "--direction",
            "pasted",
            "--prompt",
            "The river was",
            "--doses=-0.5,0.5",
            "--max-new-tokens",
            "3",
        ],
        ["lens", model, "--prompt", "The river was"],
        ["sae"],
        ["report", model, "--examples", "moods", "--layer", "1", "--out", "report.html"],
    ]
    addresses = {
        "home": {},
        "tour": {"step": "test"},
        "concept": {"asks": "good|bad", "dictionary": "none"},
        "probing": {"view": "map", "methods": "diffmean,logistic", "limit": "100"},
        "tcav": {"panel": "check"},
        "lens": {"prompt": "The river was"},
        "features": {"feature": "3", "dictionary": "smollm2-14"},
        "steering": {"from": "saved", "direction": "pasted", "dose": "0.25", "tokens": "4", "prompt": "The river"},
        "library": {"view": "directions"},
        "jobs": {"job": "probe-0"},
    }
    common = {"model": model, "layer": "1", "concept": "moods"}
    return [
        Kind("command line", tuple(json.dumps(one).encode() for one in commands), _command, json=True),
        Kind(
            "address of a page",
            tuple(json.dumps({"page": page, **common, **own}).encode() for page, own in addresses.items()),
            _address,
            json=True,
        ),
    ]


def _prepare(model: str) -> None:
    from core.directions import save_direction
    from core.models import open_model
    from core.steering.sources import pasted
    from tests.concepts import save_moods

    save_moods()
    opened = open_model(model)
    save_direction(pasted(opened, ("the",), ("was",), 1), replace=True)


def _command(data: bytes, folder: Path) -> object:
    """The command in a folder of its own. A sentence is one line and the exit status 2."""
    from core.__main__ import main

    value = _parsed(data)
    words = [word for one in (value if isinstance(value, list) else [value]) for word in _words(one)][:LONGEST]
    before, out, err = Path.cwd(), io.StringIO(), io.StringIO()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main([*words, "--json"])
    except SystemExit as end:  # from argparse
        status = int(end.code or 0)
    finally:
        os.chdir(before)
    if status == 0:
        return out.getvalue()
    if status != 2:
        raise AssertionError(f"{words} ended with {status}: {err.getvalue()[-300:]}")
    raise UserError(err.getvalue().strip().splitlines()[-1])


def _words(value: object) -> list[str]:
    """As a shell would hand them over: no NUL, and spaces part the names of commands."""
    text = (value if isinstance(value, str) else json.dumps(value)).replace("\0", "")[:200]
    text = _sent(text)
    return text.split(" ") if text.replace(" ", "").isalpha() and " " in text and text.islower() else [text]


def _address(data: bytes, _: Path) -> object:
    """The page by that address, as a first visitor opens it. Whatever it says, it must not break. Half a pair of
    surrogates cannot be said in one."""
    from streamlit.testing.v1 import AppTest

    from tests.pages import PAGES, ROOT, SECONDS

    value = _parsed(data)
    if not isinstance(value, dict) or value.get("page") not in PAGES:
        raise UserError("There is no such page.")  # the browser gets Streamlit's own answer
    app = AppTest.from_file(str(ROOT / "pages" / f"{value['page']}.py"), default_timeout=SECONDS)
    for key, one in value.items():
        if key != "page" and key:
            text = one if isinstance(one, str) else json.dumps(one)
            app.query_params[_sent(key)] = _sent(text)
    app.run()
    if app.exception:
        raise AssertionError(f"{value}: {app.exception[0].value}")
    said = [one.value for one in app.error]
    said += [one.value for one in app.warning if one.value.startswith("The link asks")]
    if said:
        raise UserError(str(said[0]))
    return app.title[0].value


def _sent(text: str) -> str:
    return text.encode("utf-8", errors="replace").decode()


def _parsed(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise UserError("It is no JSON.") from None
