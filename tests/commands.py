"""Running a command as a script would, and holding its mistakes to one line on standard error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.__main__ import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The JSON object that the command prints."""
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that says what is wrong; nothing else is printed, and the exit status is 2."""
    capsys.readouterr()
    try:
        status = main(arguments)
    except SystemExit as end:
        status = int(end.code or 0)
    out, err = capsys.readouterr()
    said = (status, out, err)
    assert (status, out, err.count("\n")) == (2, "", 1), said
    return err
