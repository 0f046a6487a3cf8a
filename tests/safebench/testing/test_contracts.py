"""The contracts of modalities, converters, recognisers and targets catch what breaks them; of jurors see beside it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from modalities.image.modality import ImageModality
from safebench import registry
from safebench.errors import ConversionError
from safebench.plugins import Asking, Checking, Converter, Recogniser, Target, TargetSetup, Work
from safebench.rendering.chain import RenderJob, render
from safebench.testing import contracts
from safebench.testing.contracts import (
    ASKED,
    BROKEN,
    ConverterContract,
    ModalityContract,
    RecogniserContract,
    TargetContract,
)
from safebench.types import Failure, Fidelity, Media, Part, Request, Response, Text
from tests.safebench.testing.planted import broken

COUNT = itertools.count()


# --- modalities


class IgnoresTheCut(ImageModality):
    def check_whole(self, media: Media) -> None:
        """Nothing is looked at."""


class TakesNothingForWhole(ImageModality):
    def check_whole(self, media: Media) -> None:
        raise ValueError("this is not whole")


class BelievesTheReader(ImageModality):
    def check(self, checking: Checking) -> Fidelity:
        reader = checking.recogniser or self.recognisers[0]
        said = checking.recognise(reader, checking.media)
        return Fidelity("passed" if said == checking.query.text else "failed", reason="another text was read")


class PassesAll(ImageModality):
    def check(self, checking: Checking) -> Fidelity:
        checked = super().check(checking)
        return replace(checked, status="passed") if checked.recognised is not None else checked


class WritesTheQuery(ImageModality):
    def compose(self, asking: Asking) -> tuple[Part, ...]:
        return (*super().compose(asking), Text(asking.query.text))


class SendsHalf(ImageModality):
    class Half:
        def encode(self, media: Media) -> Mapping[str, Any]:
            half = media.read()[: len(media.read()) // 2]
            return {"type": "image_url", "image_url": {"url": Media.of(media.medium, media.mime, half).data_uri()}}

    encoders = {"openai": Half()}  # type: ignore[dict-item]  # noqa: RUF012


@pytest.fixture(scope="module")
def picture() -> Media:
    media = render(RenderJob(ASKED, ModalityContract._default.__func__(_of(ImageModality)))).media
    assert media is not None
    return media


def _of(planted: type[ImageModality]) -> type[ModalityContract]:
    made = {"name": "image", "modality": classmethod(lambda cls: planted())}
    return type("Planted", (ModalityContract,), made)


@pytest.mark.parametrize(
    ("planted", "caught"),
    [
        (ImageModality, set()),
        (IgnoresTheCut, {"broken", "cut"}),
        (TakesNothingForWhole, {"whole"}),
        (BelievesTheReader, {"broken", "cut", "no gate"}),
        (PassesAll, {"other"}),
        (WritesTheQuery, {"alone"}),
        (SendsHalf, {"whole file"}),
    ],
)
def test_a_planted_modality_is_caught(planted: type[ImageModality], caught: set[str], picture: Media) -> None:
    contract = _of(planted)()
    cut = contract.test_a_file_that_was_cut_off_never_passes_whatever_is_read
    tests = {
        "broken": [
            partial(contract.test_broken_media_fail_whatever_a_recogniser_says, picture, data)
            for data in BROKEN.values()
        ],
        "cut": [partial(cut, picture, share) for share in (0.01, 0.3, 0.9)],
        "whole": [partial(contract.test_a_whole_file_is_taken_for_one, picture)],
        "same": [partial(contract.test_what_is_read_as_the_query_passes, picture)],
        "other": [partial(contract.test_what_is_read_as_something_else_never_passes, picture)],
        "no gate": [partial(contract.test_a_gate_without_limits_never_passes, picture)],
        "alone": [partial(contract.test_alone_the_query_is_only_in_the_media, picture)],
        "whole file": [partial(contract.test_chat_completions_carry_the_whole_file, picture)],
    }
    assert broken(tests) == caught


# --- converters


class Kept(Converter):
    """Keeps the contract; those below break it in one way each."""

    name = "planted"
    summary = "planted"
    takes = gives = "image"

    def convert(self, work: Work) -> Media:
        if work.media is None or not work.media.read().startswith(b"\x89PNG"):
            raise ConversionError("this is no picture")
        return Media.of("image", "image/png", work.media.read() + work.text.encode())


class GivesSound(Kept):
    def convert(self, work: Work) -> Media:
        return replace(super().convert(work), medium="audio")


class Counts(Kept):
    def convert(self, work: Work) -> Media:
        made = super().convert(work)
        return Media.of("image", "image/png", made.read() + str(next(COUNT)).encode())


class TakesAnything(Kept):
    def convert(self, work: Work) -> Media:
        return Media.of("image", "image/png", (work.media.read() if work.media else b"") + work.text.encode())


@pytest.mark.parametrize(
    ("planted", "caught"),
    [
        (Kept, set()),
        (GivesSound, {"gives"}),
        (Counts, {"same", "workers"}),
        (TakesAnything, {"broken"}),
    ],
)
def test_a_planted_converter_is_caught(
    planted: type[Kept], caught: set[str], picture: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "create", lambda *named, **options: planted())
    contract, made = ConverterContract(), planted()
    contract.name = "planted"  # type: ignore[misc]
    with ThreadPoolExecutor(2) as workers:  # which see what was planted
        tests = {
            "gives": [partial(contract.test_it_is_ready_and_gives_the_medium_that_it_says, made, picture)],
            "same": [partial(contract.test_the_same_work_gives_the_same_bytes, made, picture)],
            "workers": [partial(contract.test_two_workers_give_the_same_bytes_as_one, made, picture, workers)],
            "broken": [partial(contract.test_without_media_or_with_broken_ones_it_fails, made, picture)],
        }
        assert broken(tests) == caught


# --- recognisers


class Reads(Recogniser):
    """Keeps the contract; those below break it in one way each."""

    name = "planted"
    summary = "planted"
    medium = "image"

    def recognise(self, media: Media) -> str:
        if not media.read().startswith(b"\x89PNG"):
            raise ValueError("this is no picture")
        return media.read()[4:].decode()


class Remembers(Reads):
    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self._before = ""

    def recognise(self, media: Media) -> str:
        before, self._before = self._before, super().recognise(media)
        return before + self._before


class ReadsAnything(Reads):
    def recognise(self, media: Media) -> str:
        return media.read()[4:].decode(errors="replace")


class ReadsNothing(Reads):
    def recognise(self, media: Media) -> str:
        return super().recognise(media)[:0]


@pytest.mark.parametrize(
    ("planted", "caught"),
    [
        (Reads, set()),
        (Remembers, {"same", "workers"}),
        (ReadsAnything, {"broken"}),
        (ReadsNothing, {"ready"}),
    ],
)
def test_a_planted_recogniser_is_caught(
    planted: type[Reads], caught: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = RecogniserContract()
    monkeypatch.setattr(contract, "_fresh", planted, raising=True)
    monkeypatch.setattr(contracts, "recognise", lambda spec, media: planted().recognise(media))
    contract.spec = "planted"  # type: ignore[misc]
    several = [Media.of("image", "image/png", b"\x89PNG" + word) for word in (b"one", b"two", b"three")]
    with ThreadPoolExecutor(2) as workers:
        tests = {
            "ready": [partial(contract.test_it_is_ready_and_reads_its_medium, planted(), several)],
            "same": [partial(contract.test_the_same_media_give_the_same_texts_in_every_order, planted(), several)],
            "workers": [partial(contract.test_two_workers_find_what_one_finds, planted(), several, workers)],
            "broken": [partial(contract.test_broken_media_are_refused, planted(), several)],
        }
        assert broken(tests) == caught


# --- targets


class Answers(Target):
    """Keeps the contract; those below break it in one way each."""

    name = "planted"
    summary = "planted"
    family = "openai"
    accepts = frozenset({"text"})  # type: ignore[assignment]

    async def ask(self, request: Request) -> Response:
        if all(isinstance(part, Text) for message in request.messages for part in message.parts):
            return Response("answered", "By droplets.")
        return Response("failed", failure=Failure("planted", "medium", "it takes text alone"))


class AnswersAnything(Answers):
    async def ask(self, request: Request) -> Response:
        return Response("answered", "By droplets.")


class TakesSmells(Answers):
    accepts = frozenset({"text", "smell"})  # type: ignore[assignment]


class SaysNothing(Answers):
    async def ask(self, request: Request) -> Response:
        answer = await super().ask(request)
        return replace(answer, text="")


class NewEachTime(Answers):
    def describe(self) -> Mapping[str, Any]:
        return {**super().describe(), "made": next(COUNT)}


@pytest.mark.parametrize(
    ("planted", "caught"),
    [
        (Answers, set()),
        (AnswersAnything, {"other media"}),
        (TakesSmells, {"takes"}),
        (SaysNothing, {"answers"}),
        (NewEachTime, {"same"}),
    ],
)
def test_a_planted_target_is_caught(planted: type[Answers], caught: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contracts, "open_target", lambda spec, options: planted(TargetSetup("", options)))
    contract = TargetContract()
    contract.spec = "planted"  # type: ignore[misc]
    tests = {
        "takes": [contract.test_it_takes_text_and_only_media_that_are_known],
        "same": [contract.test_it_describes_itself_in_the_same_words_each_time],
        "answers": [contract.test_it_answers_a_question],
        "other media": [contract.test_a_medium_that_it_does_not_take_is_never_answered],
    }
    assert broken(tests) == caught
