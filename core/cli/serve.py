"""`serve`: the app for several people, each with an account; in this process's place, until it is stopped."""

from __future__ import annotations

import argparse
import ipaddress
import os
import sys
from pathlib import Path
from typing import Any

from core import job_turns, quota, spaces, workspace
from core.errors import UserError
from core.progress import Listener

NAME = "serve"
HELP = "the app for those who have accounts (docs/serving.md)"
APP = Path(__file__).parents[2] / "app.py"
CLOSED = (
    "Nobody has an account, so that everybody who reaches the port would be let in: add one with `python -m core "
    "accounts add NAME`, or use `make run`, for this machine alone."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--address",
        default="127.0.0.1",
        help="to listen on: 127.0.0.1 (default) behind a reverse proxy, 0.0.0.0 for the whole network, unencrypted",
    )
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name by which browsers reach it, such as class.example.org; several times for several",
    )


def run(args: argparse.Namespace, progress: Listener) -> dict[str, Any]:
    words, more = command(args.address, args.port, args.host)
    sys.stdout.flush()
    os.chdir(APP.parent)  # where the app's own options lie
    os.execve(words[0], words, {**os.environ, **more})  # noqa: S606  of our own making


def command(address: str, port: int, hosts: list[str]) -> tuple[list[str], dict[str, str]]:
    """The command line that serves, and what its environment has besides. Raises UserError without accounts."""
    from core.accounts import list_accounts

    spaces.require_owner("Starting a server")
    if not list_accounts():
        raise UserError(CLOSED)
    _ = quota.limit(), job_turns.setting(job_turns.AT_ONCE), job_turns.setting(job_turns.EACH)  # say it now
    if not 0 < port < 65_536:
        raise UserError(f"There is no port {port}; ports are numbered 1 to 65535.")
    words = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.address", address]
    # headless: nobody at a keyboard, and none of Streamlit's conveniences for one.
    words += ["--server.port", str(port), "--server.headless", "true", "--server.enableXsrfProtection", "true"]
    words += ["--browser.serverAddress", hosts[0] if hosts else address]
    for name in _allowed(address, hosts):
        words += ["--server.allowedHosts", name]
    return words, {"CONCEPTSCOPE_SERVE": "1", "CONCEPTSCOPE_HOME": str(workspace.shared())}


def _allowed(address: str, hosts: list[str]) -> list[str]:
    """Names that a browser may call the server by. Without any, and on all addresses at once, it cannot be known."""
    try:
        everywhere = ipaddress.ip_address(address).is_unspecified
    except ValueError:
        everywhere = False
    if everywhere and not hosts:
        return ["*"]
    return [*dict.fromkeys(("localhost", "127.0.0.1", *([] if everywhere else [address]), *hosts))]


def show(result: dict[str, Any]) -> str:
    return ""
