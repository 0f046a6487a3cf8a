"""Chat messages. The media here are of invented kinds: the core knows none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from safebench import registry
from safebench.errors import BadInput
from safebench.plugins import Asking, Checking, Encoder, Modality, Plugin
from safebench.targets.messages import encode_messages, media_encoders
from safebench.types import Fidelity, Media, Message, Part, Text


class Counting:
    """An encoder that says how often it was called."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.calls = 0

    def encode(self, media: Media) -> Mapping[str, Any]:
        self.calls += 1
        return {"type": self.label, "data": media.read().decode()}

    def decode(self, part: Mapping[str, Any]) -> Sequence[tuple[Media, str]] | None:
        return None


class Smell(Modality):
    name = summary = medium = "smell"
    encoders: ClassVar[Mapping[str, Encoder]] = {"openai": Counting("from_modality"), "other": Counting("other")}

    def check(self, checking: Checking) -> Fidelity:
        return Fidelity("unchecked")

    def compose(self, asking: Asking) -> tuple[Part, ...]:
        return ()


class Writing(Smell):
    """As if a modality brought an encoder for text, which needs none."""

    medium = "text"


class Touch(Smell):
    """A medium that travels to nobody."""

    name = summary = medium = "touch"
    encoders: ClassVar[Mapping[str, Encoder]] = {}


@pytest.fixture(autouse=True)
def _modalities(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins: dict[str, type[Plugin]] = {"smell": Smell, "text": Writing, "touch": Touch}
    monkeypatch.setattr(registry, "names", lambda kind: sorted(plugins))
    monkeypatch.setattr(registry, "load", lambda kind, name: plugins[name])


ROSE = Media.of("smell", "smell/rose", b"rose")


def user(*parts: Part) -> Message:
    return Message("user", parts)


def test_one_text_is_plain_content() -> None:
    messages = [Message("system", (Text("Be brief."),)), user(Text("hello")), user()]
    assert encode_messages(messages, "openai", {}) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello"},
        {"role": "user", "content": ""},
    ]


def test_several_parts_keep_their_order() -> None:
    (message,) = encode_messages([user(Text("before"), ROSE, Text("after"))], "openai", {})
    assert message["content"] == [
        {"type": "text", "text": "before"},
        {"type": "from_modality", "data": "rose"},
        {"type": "text", "text": "after"},
    ]


def test_a_lone_medium_is_a_list() -> None:
    (message,) = encode_messages([user(ROSE)], "openai", {})
    assert [part["type"] for part in message["content"]] == ["from_modality"]


def test_the_targets_own_encoder_wins() -> None:
    (message,) = encode_messages([user(ROSE)], "openai", {"smell": Counting("own")})
    assert message["content"][0]["type"] == "own"


def test_each_medium_is_encoded_once_a_call() -> None:
    own = Counting("own")
    tulip = Media.of("smell", "smell/tulip", b"tulip")
    encode_messages([user(ROSE, tulip, ROSE), user(ROSE)], "openai", {"smell": own})
    assert own.calls == 2
    encode_messages([user(ROSE)], "openai", {"smell": own})
    assert own.calls == 3


def test_the_same_bytes_of_another_type_are_encoded_anew() -> None:
    own = Counting("own")
    encode_messages([user(ROSE, Media.of("smell", "smell/other", b"rose"))], "openai", {"smell": own})
    assert own.calls == 2


def test_a_medium_without_encoder_is_named() -> None:
    with pytest.raises(BadInput, match=r"no encoder sends touch to targets of family 'openai'; there are: smell"):
        encode_messages([user(Media.of("touch", "touch/x", b""))], "openai", {})


def test_encoders_are_those_of_the_family() -> None:
    assert set(media_encoders("openai", {})) == {"smell"}
    assert media_encoders("unheard-of", {}) == {}
    own = {"touch": Counting("own"), "text": Counting("own")}
    assert set(media_encoders("openai", own)) == {"smell", "touch"}
