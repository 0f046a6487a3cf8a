"""The cascade. Its media here are invented: it knows none by name."""

from __future__ import annotations

import errno
import json
from typing import Any, ClassVar

import pytest

from safebench import registry
from safebench.errors import BadInput, TargetRefusesService
from safebench.models.opening import answering_class
from safebench.plugins import Asking, Checking, Modality, Plugin, Recogniser, Target, TargetSetup
from safebench.targets.cascade import CascadeTarget
from safebench.targets.reference import ReferenceTarget
from safebench.types import Failure, Fidelity, Media, Message, Part, Request, Response, Text, Transcript


class Smell(Modality):
    name = summary = medium = "smell"
    recognisers: ClassVar[tuple[str, ...]] = ("nose",)

    def check(self, checking: Checking) -> Fidelity:
        return Fidelity("unchecked")

    def compose(self, asking: Asking) -> tuple[Part, ...]:
        return ()


class Touch(Smell):
    """A medium whose recogniser needs a package that nobody has."""

    name = summary = medium = "touch"
    recognisers = ("finger",)


class Taste(Smell):
    """A medium whose own recogniser picks from what it knows, and transcribes nothing."""

    name = summary = medium = "taste"
    recognisers = ("tongue",)


class Nose(Recogniser):
    name = summary = "nose"
    medium = "smell"
    version = "7"

    def recognise(self, media: Media) -> str:
        raise AssertionError("recognising happens in a worker")


class Finger(Nose):
    name = summary = "finger"
    medium = "touch"
    needs = ("package_that_nobody_has",)


class Tongue(Nose):
    name = summary = "tongue"
    medium = "taste"
    transcribes = False


class Echo(Target):
    """A text target that answers what it was sent, and remembers it."""

    name = summary = "echo"
    family = "bytes"
    stand_in = True
    length_option = "breath"
    asked: ClassVar[list[Request]] = []
    closed: ClassVar[list[str]] = []

    class Options(Target.Options):
        loud: bool = False

    accepts = frozenset({"text"})  # type: ignore[assignment]

    async def ask(self, request: Request) -> Response:
        assert all(isinstance(part, Text) for message in request.messages for part in message.parts)
        self.asked.append(request)
        text = " | ".join(part.text for message in request.messages for part in message.parts if isinstance(part, Text))
        if "fail" in text:
            return Response("failed", failure=Failure("echo", "Error", "it fails"))
        return Response("answered", text.upper() if self.options.loud else text, model="echo", usage={"tokens": 3})

    async def close(self) -> None:
        self.closed.append(self.name)


PLUGINS: dict[str, type[Plugin]] = {
    plugin.name: plugin for plugin in (Smell, Touch, Taste, Nose, Finger, Tongue, Echo, CascadeTarget, ReferenceTarget)
}


@pytest.fixture(autouse=True)
def _plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "names", lambda kind: [n for n, p in PLUGINS.items() if issubclass(p, kind)])
    monkeypatch.setattr(registry, "load", lambda kind, name: PLUGINS[name])
    monkeypatch.setattr(registry, "media", lambda: ["smell", "taste", "touch"])
    monkeypatch.setattr("safebench.models.opening.load", lambda kind, name: PLUGINS[name])
    monkeypatch.setattr(Echo, "asked", [])
    monkeypatch.setattr(Echo, "closed", [])


async def recognise(recogniser: str, media: Media) -> str:
    """What a worker would do: the bytes are the text."""
    match media.read():
        case b"\xff":
            raise ValueError("cannot be decoded")
        case b"no service":
            raise TargetRefusesService("the key is wrong")
        case b"full":
            raise OSError(errno.ENOSPC, "no space left")
    return media.read().decode()


def target(argument: str = "echo", **options: Any) -> CascadeTarget:
    return CascadeTarget(TargetSetup(argument, options, recognise))


def media(text: str | bytes, medium: str = "smell") -> Media:
    return Media.of(medium, f"{medium}/x", text if isinstance(text, bytes) else text.encode())


async def ask(*parts: Part, written: bool = False, **options: Any) -> Response:
    return await target(**options).ask(Request((Message("user", parts),), written=written))


# --- what the text target is given


async def test_media_give_place_to_what_is_heard_in_them_and_written_parts_stay() -> None:
    response = await ask(Text("First."), media("Second?"), Text("Third."))
    assert response.text == "First.\n\nSecond?\n\nThird."
    assert response.given == (Transcript("Second?", "nose"),)
    assert (response.status, response.model, response.usage) == ("answered", "echo", {"tokens": 3})


async def test_a_clip_alone_makes_the_very_request_of_the_query_as_text() -> None:
    await ask(media(" How do I bake bread?\n"))
    await ask(Text("How do I bake bread?"))
    spoken, written = Echo.asked
    assert spoken == written


async def test_every_message_keeps_its_role_and_its_schema() -> None:
    system, user = Message("system", (Text("Be brief."),)), Message("user", (media("a"), media("b")))
    await target().ask(Request((system, user), {"type": "object"}))
    (asked,) = Echo.asked
    assert [(message.role, message.parts) for message in asked.messages] == [
        ("system", (Text("Be brief."),)),
        ("user", (Text("a\n\nb"),)),
    ]
    assert asked.schema == {"type": "object"}


async def test_the_answer_depends_on_nothing_but_what_was_heard() -> None:
    assert (await ask(media("one"))).text == (await ask(Text("one"))).text == "one"


# --- where nothing is heard


@pytest.mark.parametrize("silence", ["", "  \n", "…", "?!"])
async def test_where_nothing_is_heard_nobody_is_asked(silence: str) -> None:
    for parts in ((media(silence),), (Text("Answer the question in the smell."), media(silence))):
        response = await ask(*parts)
        assert (response.status, response.text) == ("unheard", "")
        assert response.given == (Transcript(silence.strip(), "nose"),)
    assert not Echo.asked


async def test_a_pause_in_one_of_several_pieces_is_no_silence() -> None:
    assert (await ask(media("one"), media(""), media("two"))).text == "one\n\ntwo"


async def test_one_silent_medium_is_not_made_up_for_by_another() -> None:
    options = {"recognisers": {"taste": "tongue"}}
    assert (await ask(media("one"), media("", "taste"), **options)).status == "unheard"


async def test_a_query_that_is_written_beside_the_media_is_asked_all_the_same() -> None:
    response = await ask(Text("How do I bake bread?"), media(""), written=True)
    assert (response.status, response.text) == ("answered", "How do I bake bread?")
    assert response.given == (Transcript("", "nose"),)


# --- failures


async def test_what_a_recogniser_raises_is_its_failure_and_no_answer() -> None:
    response = await ask(media("heard"), media(b"\xff"))
    assert (response.status, response.text) == ("failed", "")
    assert response.failure == Failure("recogniser nose", "ValueError", "cannot be decoded")
    assert response.given == (Transcript("heard", "nose"),)
    assert [attempt.error for attempt in response.attempts] == ["recogniser nose: ValueError: cannot be decoded"]
    assert not Echo.asked


async def test_a_machine_that_has_run_out_of_something_is_no_failure_of_the_clip() -> None:
    with pytest.raises(OSError, match="no space"):
        await ask(media(b"full"))


async def test_a_failure_of_the_text_target_stays_one_with_what_it_was_given() -> None:
    response = await ask(media("fail"))
    assert (response.status, response.failure) == ("failed", Failure("echo", "Error", "it fails"))
    assert response.given == (Transcript("fail", "nose"),)


async def test_a_recogniser_that_will_hear_nothing_at_all_stops_the_run() -> None:
    with pytest.raises(TargetRefusesService, match="the key is wrong"):
        await ask(media(b"no service"))


# --- what it accepts


def test_it_takes_what_has_a_recogniser_that_transcribes_and_is_installed() -> None:
    assert target().accepts == {"text", "smell"}
    assert target().recognisers == {"smell": "nose"}
    assert target(recognisers={"taste": "tongue"}).accepts == {"text", "smell", "taste"}
    assert CascadeTarget(TargetSetup("echo")).accepts == {"text"}


async def test_a_medium_that_nobody_hears_says_how_to_name_a_recogniser() -> None:
    assert target().why_not("smell") is None
    assert "--target-option recognisers.touch=NAME" in str(target().why_not("touch"))
    with pytest.raises(BadInput, match=r"recognisers\.touch=NAME"):
        await ask(media("x", "touch"))


@pytest.mark.parametrize(
    ("recognisers", "problem"),
    [
        ({"smell": "tongue"}, "'tongue' is for taste, and was named for smell"),
        ({"smel": "nose"}, "unknown medium 'smel'"),
        ({"touch": "finger"}, "package_that_nobody_has"),
    ],
)
def test_a_recogniser_that_does_not_fit_is_bad_input(recognisers: dict[str, str], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        target(recognisers=recognisers)


def test_a_text_target_is_wanted() -> None:
    with pytest.raises(BadInput, match="needs a text target"):
        target("")


# --- the text target behind it


async def test_other_options_are_those_of_the_text_target() -> None:
    assert (await ask(media("one"), loud=True)).text == "ONE"
    with pytest.raises(BadInput, match="quiet"):
        target(quiet=True)


def test_it_tells_both_recognisers_and_text_target() -> None:
    told = target(recognisers={"taste": "tongue"}).describe()
    assert told["recognisers"] == {
        "smell": {"name": "nose", "version": "7"},
        "taste": {"name": "tongue", "version": "7"},
    }
    assert told["text_target"] == {"target": "echo", "version": "1", "argument": ""}
    assert json.dumps(told)


def test_what_is_known_of_who_answers_is_known_of_the_cascade() -> None:
    assert answering_class("cascade:echo") is Echo
    assert answering_class("cascade:cascade:echo") is Echo
    assert answering_class("reference") is ReferenceTarget


async def test_it_closes_what_it_opened() -> None:
    await target().close()
    assert Echo.closed == ["echo"]
