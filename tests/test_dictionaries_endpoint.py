"""Labels from a language model over HTTP: what is sent, what is taken for a label, and what is said when it fails."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from core.dictionaries.index import Index
from core.dictionaries.index.detection import makes_labels
from core.dictionaries.index.endpoint import (
    KEY,
    LARGEST,
    MODEL,
    SHOWN,
    URL,
    Endpoint,
    ask_for_label,
    endpoint_from,
    shown_to_it,
)
from core.dictionaries.index.feature import feature_of
from core.errors import UserError
from core.models import Model
from tests.made_features import FEATURES, index_small, save_small


class Server(ThreadingHTTPServer):
    """Answers as it is told; keeps what it was asked."""

    answer: bytes = b""
    status = 200
    delay = 0.0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str], Any]] = []

    def says(self, content: Any) -> None:
        self.answer = json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, dict(self.headers), body))
        time.sleep(self.server.delay)
        self.send_response(self.server.status)
        if 300 <= self.server.status < 400:
            self.send_header("Location", "/elsewhere/chat/completions")
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def endpoint(server: Server) -> Endpoint:
    return Endpoint(f"http://127.0.0.1:{server.server_port}/v1", "namer", "secret")


@pytest.fixture
def index(home: Path, tiny: Model, tmp_path: Path) -> Index:
    return index_small(tiny, save_small(tiny), tmp_path)


def busiest(index: Index) -> int:
    return int(index.density.argmax())


def test_nothing_is_set_up_by_itself() -> None:
    assert endpoint_from({}) is None
    assert endpoint_from({MODEL: "namer", KEY: "secret"}) is None
    made = endpoint_from({URL: " http://127.0.0.1:8000/v1/ ", MODEL: "namer", KEY: "secret"})
    assert made == Endpoint("http://127.0.0.1:8000/v1", "namer", "secret")
    assert "secret" not in repr(made)
    assert Endpoint("https://me:word@labels.example:8443/v1", "m").host == "labels.example:8443"
    with pytest.raises(UserError, match=MODEL):
        endpoint_from({URL: "http://127.0.0.1:8000/v1"})
    for url in ("file:///etc/passwd", "ftp://127.0.0.1/v1", "127.0.0.1:8000"):
        with pytest.raises(UserError, match="no http address"):
            endpoint_from({URL: url, MODEL: "namer"})


def test_it_sees_marked_tokens_of_the_half_that_makes_labels(index: Index, tiny: Model) -> None:
    feature = busiest(index)
    lines = shown_to_it(index, tiny, feature)
    assert 0 < len(lines) <= SHOWN
    making = makes_labels(index)
    examples = feature_of(index, tiny, feature).examples
    plain: dict[str, bool] = {}
    for one in examples:
        text = "".join("".join(token.text for token in one.tokens).split())
        plain[text] = plain.get(text, False) or bool(making[one.text])
    assert not all(plain.values())
    for line in lines:
        assert "<<" in line
        assert plain["".join(line.replace("<<", "").replace(">>", "").split())]


def test_what_is_asked_and_what_is_answered(server: Server, endpoint: Endpoint, index: Index, tiny: Model) -> None:
    server.says('  \n "**Words about dogs.**"\nI chose this because ...')
    assert ask_for_label(endpoint, index, tiny, busiest(index)) == "Words about dogs"
    ((path, headers, body),) = server.asked
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer secret"
    assert body["model"] == "namer"
    assert body["messages"][1]["content"].splitlines() == shown_to_it(index, tiny, busiest(index))
    server.says("x" * 10_000)
    assert ask_for_label(endpoint, index, tiny, busiest(index)) == "x" * 200


def test_what_is_said_when_it_fails(server: Server, endpoint: Endpoint, index: Index, tiny: Model) -> None:
    feature = busiest(index)

    def complaint(seconds: float = 30.0) -> str:
        with pytest.raises(UserError) as caught:
            ask_for_label(endpoint, index, tiny, feature, seconds=seconds)
        assert "secret" not in str(caught.value)
        assert "namer at 127.0.0.1" in str(caught.value)
        return str(caught.value)

    for content in (None, "", " \n ", '""', 7, ["a"]):
        server.says(content)
        assert "without a label" in complaint()
    for answer in (b"[]", b'{"choices": []}', b"null"):
        server.answer = answer
        assert "without a label" in complaint()
    for answer in (b"<html>", b"\xff", b"[" * 100_000):
        server.answer = answer
        assert "not JSON" in complaint()
    server.answer = b" " * (LARGEST + 1)
    assert "more than 1 MB" in complaint()
    server.says("fine")
    for status in (302, 401, 500):
        server.status = status
        assert f"status {status}" in complaint()
    assert all(path == "/v1/chat/completions" for path, _, _ in server.asked)  # nothing was followed
    server.status, server.delay = 200, 1.0
    assert "did not answer within 0.1 seconds" in complaint(seconds=0.1)
    server.shutdown()
    server.server_close()
    assert "cannot be reached" in complaint()


def test_a_feature_without_examples_is_not_asked_about(
    server: Server, endpoint: Endpoint, index: Index, tiny: Model
) -> None:
    with pytest.raises(UserError, match="no examples"):
        ask_for_label(endpoint, index, tiny, FEATURES - 1)
    assert server.asked == []
