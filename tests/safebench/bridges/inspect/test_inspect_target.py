"""`inspect:PROVIDER/MODEL` as a target and behind jurors, against a scripted server."""

from __future__ import annotations

import pytest

from safebench.errors import BadInput, TargetRefusesService
from safebench.models.opening import open_target
from safebench.testing.contracts import TargetContract
from safebench.testing.server import ScriptedServer, chat, error
from safebench.types import Media, Message, Request, Text
from tests.fixture_types import Serve

SPEC = "inspect:openai-api/local/tested"
OPENED = {"retries": 0, "parameters": {"temperature": 0.5}}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_API_KEY", "none")


async def test_media_and_settings_reach_the_model() -> None:
    picture = Media.of("image", "image/png", b"a picture")
    with ScriptedServer(lambda call: chat("I see.")) as server:
        target = open_target(SPEC, {**OPENED, "base_url": server.url})
        await target.check()
        response = await target.ask(Request((Message("user", (Text("Look."), picture)),)))
    assert (response.status, response.text) == ("answered", "I see.")
    (call,) = server.calls
    assert call.body["temperature"] == 0.5
    text, image = call.body["messages"][0]["content"]
    assert text["text"] == "Look."
    assert image["image_url"]["url"] == "data:image/png;base64,YSBwaWN0dXJl"


async def test_a_wrong_key_stops_the_run() -> None:
    with ScriptedServer(lambda call: error(401, "no such key")) as server:
        target = open_target(SPEC, {**OPENED, "base_url": server.url})
        with pytest.raises(TargetRefusesService, match="no such key"):
            await target.ask(Request((Message("user", (Text("hi"),)),)))


@pytest.mark.parametrize(
    ("spec", "options", "named"),
    [
        ("inspect", {}, "inspect:PROVIDER/MODEL"),
        ("inspect:nobody/model", {}, "nobody"),
        (SPEC, {"base_url": "http://127.0.0.1:9/v1", "parameters": {"temperatur": 1}}, "temperature"),
    ],
)
async def test_a_model_that_cannot_be_opened_is_bad_input(spec: str, options: dict[str, object], named: str) -> None:
    with pytest.raises(BadInput, match=named):
        await open_target(spec, options).check()


async def test_a_medium_that_inspect_has_no_part_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from safebench.bridges.inspect.messages import chat_messages

    class Smell:
        def encode(self, media: Media) -> dict[str, str]:
            return {"type": "smell", "smell": "of roses"}

    monkeypatch.setattr("safebench.targets.messages.media_encoders", lambda *_: {"smell": Smell()})
    rose = Media.of("smell", "smell/rose", b"rose")
    with pytest.raises(BadInput, match="smell"):
        await chat_messages(Request((Message("user", (Text("?"), rose)),)))


class TestContract(TargetContract):
    spec = SPEC

    @pytest.fixture(autouse=True)
    def _server(self, serve: Serve) -> None:
        self.options = {**OPENED, "base_url": serve(lambda call: chat("An answer.")).url}
