from collections.abc import Iterator

import pytest
import torch

from tests.architectures_table import BEGIN, END, NAMES, PAGE, documented, examine, shares, text
from tests.tiny import NAMED


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny tensors: threads would only wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", NAMED)
def test_the_layers_are_those_of_output_hidden_states(name: str) -> None:
    row = examine(name)
    assert row.found, row.problem
    assert row.note == ""


@pytest.mark.slow
def test_every_causal_lm_of_transformers() -> None:
    rows = [examine(name) for name in NAMES]
    found, built, everything = shares(rows)
    found_then, built_then, everything_then = documented()
    assert found >= found_then, text(rows)
    assert found / built >= found_then / built_then
    assert found / everything >= found_then / everything_then


def test_the_page_lists_those_that_it_counts() -> None:
    found, built, everything = documented()
    listed = PAGE.read_text("utf-8").split(BEGIN)[1].split(END)[0]
    assert sum(line.startswith("| ") for line in listed.splitlines()) - 1 == found
    without = listed.split("Built, but not found")[1]
    assert sum(line.startswith("- ") for line in without.splitlines()) == everything - found
    assert all(f"| {name} |" in listed for name in NAMED)
    assert found <= built <= everything
