"""The project keeps its own rules. The first test shows that the checker can fail."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import FILE, ROWS, drawn, level
from tests.house import ROOT, files, imports, violations

# What is wrong with a file of this path and text: a part of the sentence that has to come.
CULPRITS = [
    ("core/stats/a.py", "import streamlit as st", "imports streamlit"),
    ("core/stats/a.py", "def f():\n    import plotly.graph_objects as go", "imports plotly"),
    ("core/stats/a.py", "from pages.shared import frame", "imports pages"),
    ("core/models/a.py", "from core.activations import Store", "imports core.activations.Store"),
    ("core/models/a.py", "from ..probing import sweep", "imports core.probing.sweep"),
    ("core/models/a.py", "from core import steering", "imports core.steering"),
    ("core/examples/a.py", "from core import jobs", "imports core.jobs"),
    ("core/stats/a.py", "from core.examples import Examples", "imports core.examples.Examples"),
    ("core/workspace.py", "import core.stats", "imports core.stats"),
    ("core/probing/a.py", "from core.steering import steer", "imports core.steering.steer"),
    ("core/attic/a.py", "from core.models import record", "the room 'attic' has no place"),
    ("core/probing/a.py", "handle = block.register_forward_hook(f)", "registers a hook"),
    ("core/models/a.py", "import pickle", "imports pickle"),
    ("core/models/a.py", "open_it(spec, trust_remote_code=True)", "trust_remote_code"),
    ("core/models/a.py", "open_it(spec, trust_remote_code=wish)", "trust_remote_code"),
    ("core/models/a.py", "torch.load(path)", "weights_only"),
    ("core/models/a.py", "torch.load(path, weights_only=False)", "weights_only"),
    ("core/models/a.py", "np.load(path, allow_pickle=True)", "allow_pickle"),
    ("core/models/a.py", "try:\n    f()\nexcept:\n    pass", "bare except"),
    ("core/models/a.py", "eval(text)", "calls eval"),
    ("core/models/a.py", "x = 1\n" * 301, "301 lines"),
    ("pages/probing.py", "from pages.steering import draw", "never another page"),
    ("pages/probing.py", "from . import steering", "never another page"),
    ("pages/probing.py", "@st.cache_data\ndef f(): ...", "caches"),
    ("pages/probing.py", "@st.fragment\ndef f(): ...", "makes a fragment"),
    ("pages/probing.py", "st.markdown(text, unsafe_allow_html=True)", "puts HTML"),
    ("pages/shared/tokens.py", "st.html(text)", "puts HTML"),
    ("pages/shared/tokens.py", "st.html(STYLE)", "puts HTML"),
    ("pages/shared/tokens.py", "st.markdown(STYLE, unsafe_allow_html=True)", "puts HTML"),
    ("pages/shared/style.py", "st.html(f'<style>{text}</style>')", "puts HTML"),
    ("pages/shared/style.py", "st.markdown(text, unsafe_allow_html=True)", "puts HTML"),
    ("pages/probing.py", "table.to_csv(index=False)", "a spreadsheet may run"),
    ("pages/probing.py", "st.download_button('x', data)", "past pages/shared/downloads.py"),
    ("app.py", "import torch", "door alone"),
    ("app.py", "from core.models import open_model", "door alone"),
]

INNOCENT = [
    ("core/charts/a.py", "import plotly.graph_objects as go\nfrom core.probing import Sweep"),
    ("core/models/a.py", "import torch\nfrom core.errors import UserError\nfrom core.models.site import Site"),
    ("core/probing/a.py", "if TYPE_CHECKING:\n    from core.steering import SteeredText"),
    ("core/cli/a.py", "from core import jobs, steering"),
    ("core/models/a.py", "network.eval()\ntorch.load(path, weights_only=True)\nopen_it(x, trust_remote_code=False)"),
    ("pages/shared/cached.py", "@st.cache_resource\ndef f(): ..."),
    ("pages/probing.py", "from pages.shared.frame import frame\nfrom core.probing import sweep"),
    ("pages/shared/style.py", "st.markdown(STYLE, unsafe_allow_html=True)"),
    ("app.py", "from __future__ import annotations\nimport streamlit as st"),
    ("app.py", "from pages.shared.collecting import spare_libraries"),
    ("app.py", "from pages.shared.door import enter"),
    ("pages/shared/downloads.py", "st.download_button('x', data)"),
]

# Required without an import of ours, since transformers asks for them by itself.
FOR_TRANSFORMERS = {
    "accelerate": "to load GGUF files and large models",
    "gguf": "to read GGUF files",
    "sentencepiece": "for models whose tokenizer is a bare tokenizer.model",
}


@pytest.mark.parametrize(("path", "source", "complaint"), CULPRITS)
def test_checker_finds(path: str, source: str, complaint: str) -> None:
    assert any(complaint in sentence for sentence in violations(path, source))


@pytest.mark.parametrize(("path", "source"), INNOCENT)
def test_checker_lets_pass(path: str, source: str) -> None:
    assert violations(path, source) == []


def test_house_keeps_its_rules() -> None:
    broken = [sentence for path in files() for sentence in violations(path, (ROOT / path).read_text("utf-8"))]
    assert broken == [], "\n".join(broken)


def test_checker_sees_the_whole_house() -> None:
    found = files()
    assert "core/workspace.py" in found
    assert "tests/test_house.py" in found
    assert len(found) > 20


def test_light_rooms_start_without_heavy_libraries() -> None:
    """A page must show before torch is loaded, and the command line answer `--help` at once."""
    light = [
        name
        for name in ("errors", "workspace", "progress", "jobs", "examples", "directions", "probing")
        if _exists(f"core/{name}")
    ]
    code = (
        f"import sys, core; from core import {', '.join(light)}; import core.__main__\n"
        if _exists("core/__main__")
        else f"import sys, core; from core import {', '.join(light)}\n"
    )
    code += "print(*{'torch', 'transformers', 'sklearn', 'pandas', 'streamlit', 'plotly'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []


def test_requirements_are_pinned_and_in_the_lock() -> None:
    lock = _pins("constraints.txt")
    for file in ("requirements.txt", "requirements-dev.txt"):
        for name, version in _pins(file).items():
            assert lock.get(name) == version, f"{file} and constraints.txt differ about {name}"
    for path in (ROOT / "requirements-data.txt", *ROOT.glob("requirements-peers*.txt")):
        assert _pins(path.name)


def test_requirements_are_what_is_imported() -> None:
    """Nothing is imported that is not asked for by name, and nothing is asked for in vain."""
    by_module = importlib.metadata.packages_distributions()
    used: dict[str, str] = {}
    for path in files():
        if path.startswith(("core/", "pages/", "app.py")):
            for name, typing_only in imports(path, (ROOT / path).read_text("utf-8")):
                top = name.split(".")[0]
                if not typing_only and top not in sys.stdlib_module_names and top not in {"core", "pages"}:
                    used[_plain(by_module.get(top, [top])[0])] = path
    asked, extra = _pins("requirements.txt"), _pins("requirements-ray.txt")
    packed = _pins("requirements-quantised.txt")
    unasked = {name: path for name, path in used.items() if name not in asked | extra | packed}
    assert unasked == {}, "imported, but not in requirements.txt"
    assert set(asked) - set(used) - set(FOR_TRANSFORMERS) == set(), "in requirements.txt, but never imported"
    assert set(extra) - set(used) == {"msgpack"}, "Ray asks for it"
    assert set(packed) - set(used) == {"bitsandbytes"}, "transformers imports it, where it is asked for 4 bits"


def test_a_choice_of_a_page_has_a_word_of_its_own_in_the_address() -> None:
    """Two widgets of one key would take over one another's values. Pages keep theirs apart, save for SHARED."""
    from pages.shared.links import SHARED

    meant = {"direction"}  # of the Playground and of the sweep: the same list, seen on two panels
    twice = {}
    for page in sorted((ROOT / "pages").glob("*.py")):
        drawn: dict[str, set[str]] = {}
        for path in _reached(page):
            for key in _linked_keys(path):
                drawn.setdefault(key, set()).add(path.name)
        for key, by in drawn.items():
            if len(by) > 1 and key not in SHARED | meant:
                twice[f"{page.stem}: {key}"] = sorted(by)
    assert twice == {}


def _reached(page: Path) -> set[Path]:
    """The page's file, and those of pages/shared that it imports, and those that they import."""
    found: set[Path] = set()
    ahead = [page]
    while ahead:
        path = ahead.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        for name, _ in imports(str(path.relative_to(ROOT)), path.read_text("utf-8")):
            parts = name.split(".")
            ahead += [
                ROOT.joinpath(*parts[:end]).with_suffix(".py") for end in (3, 4) if parts[:2] == ["pages", "shared"]
            ]
    return found


def _linked_keys(path: Path) -> set[str]:
    """Keys of `linked` in a file, as far as they are written there; of f"dose{suffix}" what stands before it."""
    keys = [
        word.value
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "linked"
        for word in call.keywords
        if word.arg == "key"
    ]
    firsts = [key.values[0] if isinstance(key, ast.JoinedStr) else key for key in keys]
    return {str(first.value) for first in firsts if isinstance(first, ast.Constant)}


def test_no_registry_or_machine_is_named() -> None:
    """The project must install from whatever registry its user has set up, and from any directory."""
    marks = [
        "py" + "pi.org",
        "python" + "hosted.org",
        "npm" + "js.org",
        "/wo" + "rk/",
        "/ro" + "ot/",
        "--index" + "-url",
    ]
    kinds = {".py", ".md", ".txt", ".toml", ".json", ".yml", ".yaml", ".cfg", ""}
    places = ["core", "pages", "tests", "benchmarks", "docs", ".ci", ".streamlit"]
    paths = [path for place in places for path in (ROOT / place).rglob("*")] + list(ROOT.iterdir())
    named = [
        f"{path.relative_to(ROOT)}: {mark}"
        for path in paths
        if path.is_file() and path.suffix in kinds and not path.name.startswith(".git")
        for mark in marks
        if mark in path.read_text("utf-8", errors="replace")
    ]
    assert named == []


def _exists(module: str) -> bool:
    return (ROOT / f"{module}.py").is_file() or (ROOT / module / "__init__.py").is_file()


def _pins(file: str) -> dict[str, str]:
    """Name -> version of a requirements file, in which every line has to say `name==version`."""
    pins = {}
    for line in (ROOT / file).read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            match = re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9._]*)", line.strip())
            assert match, f"{file}: {line!r} is not pinned with =="
            pins[_plain(match[1])] = match[2]
    return pins


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_picture_of_the_rooms_is_true() -> None:
    rooms = {room for row, _, _ in ROWS for room in row}
    assert {f"core/{path.parent.name}" for path in (ROOT / "core").glob("*/__init__.py")} <= rooms
    assert [level(row) for row, _, _ in ROWS] == sorted((level(row) for row, _, _ in ROWS), reverse=True)
    for row, _, _ in ROWS:
        assert len({level((room,)) for room in row}) == 1, row
        assert all((ROOT / room).exists() or (ROOT / f"{room}.py").exists() for room in row)
    assert FILE.read_text() == drawn()
