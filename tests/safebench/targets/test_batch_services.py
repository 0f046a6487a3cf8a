"""Batch services over HTTP: what one says that no service would say is one line, and nothing goes elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from safebench.errors import BadInput
from safebench.targets.batch_services import service_of
from safebench.testing.server import Call, Reply, ScriptedServer
from tests.fixture_types import Serve

KEY = "SAFEBENCH_TEST_KEY"


@pytest.fixture
def saying(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server that says the same to everything."""
    monkeypatch.setenv(KEY, "sk-very-secret")

    def says(body: Any, **headers: str) -> ScriptedServer:
        def answer(call: Call) -> Reply:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return Reply(body if isinstance(body, bytes) else json.dumps(body).encode(), headers=named)

        server = serve(answer)
        server.any_method = True
        return server

    return says


@pytest.mark.parametrize("form", ["openai", "anthropic", "gemini"])
@pytest.mark.parametrize("body", [b"<html>", [], "batch", {"id": 5}, {"id": "b", "status": None}])
def test_what_is_no_batch_is_one_line(form: str, body: Any, saying: Any) -> None:
    with pytest.raises(BadInput, match="the same command goes on"):
        service_of(form, saying(body).url, KEY).retrieve("b")


@pytest.mark.parametrize("place", ["http://127.0.0.1:9/results", "https://nowhere.invalid/x", "", "file:///etc/passwd"])
def test_nothing_is_sent_or_fetched_elsewhere(place: str, saying: Any, tmp_path: Path) -> None:
    asked = tmp_path / "a.jsonl"
    asked.write_text("{}\n")
    with pytest.raises(BadInput, match="which is elsewhere"):
        service_of("anthropic", saying({}).url, KEY).download(place, tmp_path / "out")
    server = saying({}, X_Goog_Upload_URL=place)
    with pytest.raises(BadInput, match="which is elsewhere"):
        service_of("gemini", f"{server.root}/v1beta/openai", KEY).upload(asked)
    assert len(server.calls) == 1
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_no_file_of_googles_is_not_fetched(saying: Any, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is the name of no file"):
        service_of("gemini", saying({}).url, KEY).download("files/../models", tmp_path / "out")


def test_a_client_of_the_users_own_has_no_service_here() -> None:
    with pytest.raises(BadInput, match="logs in by itself"):
        service_of("openai", "https://nowhere.invalid/v1", "client mine:azure")
