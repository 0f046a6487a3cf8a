"""A pytest plug-in: what every plug-in of a kind has to keep, as classes of tests to inherit.

    from safebench.testing.contracts import ModalityContract

    class TestSmell(ModalityContract):
        name = "smell"

Run pytest with `-p safebench.testing.contracts`, so that a failed assertion shows its values. Plug-ins are found by the
name of their entry point, so install the package first (`pip install -e .`). Nothing here needs a network.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any, ClassVar

import pytest

from safebench import registry
from safebench.bridges.exporting import export
from safebench.errors import BadInput, ConversionError, MissingPackage, SafeBenchError
from safebench.models.opening import open_target
from safebench.models.recognisers import best
from safebench.plugins import (
    PLACE,
    Asking,
    Case,
    Checking,
    Converter,
    Encoder,
    Exporter,
    Juror,
    Modality,
    Recogniser,
    Work,
)
from safebench.rendering.alternatives import stands_for
from safebench.rendering.chain import RenderJob, recognise, render
from safebench.rendering.recipes import Recipe, load_recipes
from safebench.reports.summary import measure
from safebench.runs.config import make_config
from safebench.runs.run import run
from safebench.types import (
    TEXT,
    Ballot,
    Fidelity,
    Intent,
    Label,
    Media,
    Message,
    Part,
    Query,
    Rendering,
    Request,
    Response,
    Text,
)

ASKED = Query("contract", "Which plants in a garden are dangerous for cats?", Intent.BENIGN)
OTHER = Query("contract-other", "Please tell me how a rainbow forms.", Intent.BENIGN)
SEVERAL = (
    ASKED.text,
    OTHER.text,
    "How do tides work?",
    "How can I bake bread at home?",
    "What is a good way to learn chess?",
    "When should roses be cut back?",
)
ANSWERS = ("I can't help with that.", "Lilies are: keep every part of them away from cats.", "?", "x" * 50_000)
NOTHING = ("", " \n", "\u200b", "...")
BROKEN = {"empty": b"", "text": b"This is no media file. " * 40, "zeros": bytes(4096), "ff": b"\xff" * 4096}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each recipe and for each family of targets of the modality."""
    contract = metafunc.cls
    if contract is None or not issubclass(contract, ModalityContract) or not hasattr(contract, "name"):
        return
    if "recipe" in metafunc.fixturenames:
        recipes = [recipe for recipe in load_recipes().values() if recipe.medium == contract.modality().medium]
        metafunc.parametrize("recipe", recipes, ids=lambda recipe: recipe.name)
    if "family" in metafunc.fixturenames:
        metafunc.parametrize("family", sorted(contract.modality().encoders))


@pytest.fixture(scope="session")
def two_workers() -> Iterator[Executor]:
    """Two processes of their own, as a run has them; none starts before it is needed."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        yield pool


class ModalityContract:
    """Of the modality with the entry point `name`, whose medium is rendered by recipes."""

    name: ClassVar[str]

    @classmethod
    def modality(cls) -> Modality:
        return registry.create(Modality, cls.name, "contract")

    @pytest.fixture(scope="class")
    @classmethod
    def rendering(cls) -> Rendering:
        """A harmless query by the default recipe."""
        return render(RenderJob(ASKED, cls._default()))

    @pytest.fixture
    def media(self, rendering: Rendering) -> Media:
        assert rendering.media is not None, rendering.failure
        return rendering.media

    @classmethod
    def _default(cls) -> Recipe:
        modality = cls.modality()
        assert modality.default_recipe is not None, "a medium that is rendered needs a default recipe"
        known = load_recipes()
        recipe = stands_for(known[modality.medium, modality.default_recipe], known)
        _skip_missing(recipe.check)
        return recipe

    def _check(self, media: Media, text: str) -> Fidelity:
        """As a recogniser of the user's would have it, that says `text` of whatever it gets."""
        gate = self._default().gate
        return self.modality().check(Checking(ASKED, media, gate, lambda spec, heard: text, "contract:scripted"))

    # --- recipes

    def test_every_recipe_fits_together(self, recipe: Recipe) -> None:
        if recipe.steps:
            _skip_missing(recipe.check)

    def test_the_default_recipe_makes_a_faithful_rendering(self, rendering: Rendering) -> None:
        assert rendering.faithful, rendering.failure or rendering.fidelity
        assert rendering.media is not None
        assert rendering.media.medium == self.modality().medium
        assert all(math.isfinite(value) for value in rendering.fidelity.measures.values())

    def test_the_same_query_gives_the_same_bytes_and_another_one_others(self, media: Media) -> None:
        other = render(RenderJob(OTHER, self._default())).media
        again = render(RenderJob(ASKED, self._default())).media
        assert again == media
        assert other != media

    # --- the fidelity check

    @pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
    def test_broken_media_fail_whatever_a_recogniser_says(self, media: Media, data: bytes) -> None:
        broken = Media.of(media.medium, media.mime, data)
        checked = self._check(broken, ASKED.text)
        assert checked.status == "failed"
        assert checked.reason
        with pytest.raises(ValueError, match=r"."):
            self.modality().check_whole(broken)

    @pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
    def test_a_file_that_was_cut_off_never_passes_whatever_is_read(self, media: Media, share: float) -> None:
        data = media.read()
        cut = Media.of(media.medium, media.mime, data[: int(share * len(data))])
        assert self._check(cut, ASKED.text).status != "passed"
        with pytest.raises(ValueError, match=r"."):
            self.modality().check_whole(cut)

    def test_a_whole_file_is_taken_for_one(self, media: Media) -> None:
        self.modality().check_whole(media)

    def test_what_is_read_as_the_query_passes(self, media: Media) -> None:
        assert self._check(media, ASKED.text).status == "passed"

    def test_what_is_read_as_something_else_never_passes(self, media: Media) -> None:
        for text in ("", OTHER.text):
            assert self._check(media, text).status != "passed"

    def test_a_gate_without_limits_never_passes(self, media: Media) -> None:
        checking = Checking(ASKED, media, {}, lambda spec, heard: ASKED.text)
        assert self.modality().check(checking).status != "passed"

    def test_without_its_recogniser_it_never_passes(self, media: Media) -> None:
        def missing(spec: str, media: Media) -> str:
            raise MissingPackage(f"recogniser {spec!r}", ["nothing"], None)

        checking = Checking(ASKED, media, self._default().gate, missing)
        assert self.modality().check(checking).status == "unchecked"
        with pytest.raises(MissingPackage):
            self.modality().check(replace(checking, recogniser="contract:missing"))

    # --- the message

    def test_alone_the_query_is_only_in_the_media(self, media: Media) -> None:
        parts = self.modality().compose(Asking(ASKED, media, with_text=False))
        assert [part for part in parts if isinstance(part, Media)] == [*self.modality().pieces(media, {})]
        assert not any(isinstance(part, Text) and ASKED.text in part.text for part in parts)

    def test_with_text_something_is_written_beside_the_media(self, media: Media) -> None:
        parts = self.modality().compose(Asking(ASKED, media, with_text=True, wording=PLACE))
        assert media in parts
        assert Text(ASKED.text) in parts

    def test_what_a_run_says_is_written_goes_before_its_own(self, media: Media) -> None:
        parts = self.modality().compose(Asking(ASKED, media, with_text=False, wording=f"Please: {PLACE}"))
        assert [part for part in parts if isinstance(part, Text)] == [Text(f"Please: {ASKED.text}")]

    def test_nothing_is_asked_without_media(self) -> None:
        with pytest.raises(ValueError, match="contract"):
            self.modality().compose(Asking(ASKED, None, with_text=False))

    # --- encoders and the recogniser

    def test_what_is_encoded_is_a_part_of_its_own_type(self, media: Media, family: str) -> None:
        part = self._encoder(family).encode(media)
        assert isinstance(part["type"], str)
        assert part["type"] != TEXT

    def test_chat_completions_carry_the_whole_file(self, media: Media) -> None:
        sent = json.loads(json.dumps(self._encoder("openai").encode(media)))
        assert media.read() in [_decoded(text) for text in _strings(sent)]

    def test_an_answer_in_text_holds_no_media(self, family: str) -> None:
        for part in ({}, {"type": "text", "text": "An answer."}, {"content": "An answer."}):
            assert self._encoder(family).decode(part) is None

    def test_broken_media_are_encoded_or_refused(self, media: Media, family: str) -> None:
        for broken in _broken(media):
            try:
                assert self._encoder(family).encode(broken)
            except ValueError as error:
                assert str(error)  # noqa: PT017  either is right, and the message has to say something

    def test_its_recognisers_are_of_its_medium(self) -> None:
        for spec in self.modality().recognisers:
            if spec.partition(":")[0] in registry.names(Recogniser):
                assert registry.load(Recogniser, spec.partition(":")[0]).medium == self.modality().medium

    def test_its_best_recogniser_reads_a_rendering_and_refuses_broken_ones(self, media: Media) -> None:
        spec = best(media.medium)
        if spec is None:
            pytest.skip(f"{media.medium} has no recogniser here")
        assert recognise(spec, media).strip()
        for broken in _broken(media):
            with pytest.raises(ValueError, match=r"."):
                recognise(spec, broken)

    def _encoder(self, family: str) -> Encoder:
        if family not in self.modality().encoders:
            pytest.skip(f"{self.name} brings no encoder for {family}")
        return self.modality().encoders[family]


class ConverterContract:
    """Of the converter with the entry point `name`. One that takes media says in `media` what to try it on."""

    name: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture
    def media(self) -> Media | None:
        """What the step before made; None for a converter of text."""
        return None

    @pytest.fixture
    def converter(self) -> Converter:
        plugin = registry.load(Converter, self.name)
        _skip_where(plugin.missing(plugin.Options(**self.options)))
        return registry.create(Converter, self.name, "contract", **self.options)

    def test_it_is_ready_and_gives_the_medium_that_it_says(self, converter: Converter, media: Media | None) -> None:
        converter.check()
        made = converter.convert(Work(ASKED, ASKED.text, media))
        assert made.medium == converter.gives
        assert made.mime.count("/") == 1
        assert made.read()

    def test_the_same_work_gives_the_same_bytes(self, converter: Converter, media: Media | None) -> None:
        work = Work(ASKED, ASKED.text, media, seed=7)
        first = converter.convert(work)
        converter.convert(replace(work, query=OTHER, text=OTHER.text, seed=8))  # must leave nothing behind
        fresh = registry.create(Converter, self.name, "contract", **self.options)
        assert converter.convert(work) == first == fresh.convert(work)

    def test_two_workers_give_the_same_bytes_as_one(
        self, converter: Converter, media: Media | None, two_workers: Executor
    ) -> None:
        works = [Work(query, query.text, media, seed=7) for query in (ASKED, OTHER, ASKED, OTHER)]
        convert = partial(_convert, self.name, dict(self.options))
        assert [*two_workers.map(convert, works)] == [converter.convert(work) for work in works]

    def test_without_media_or_with_broken_ones_it_fails(self, converter: Converter, media: Media | None) -> None:
        if converter.takes == TEXT:
            pytest.skip("it takes text")
        assert media is not None, "override the fixture `media`"
        for given in (None, *_broken(media)):
            with pytest.raises(ConversionError, match=r"."):
                converter.convert(Work(ASKED, ASKED.text, given))

    def test_an_unknown_option_is_an_error_that_names_it(self) -> None:
        _skip_missing(registry.require, Converter, self.name)
        with pytest.raises(BadInput, match="no_such_option"):
            registry.create(Converter, self.name, "contract", no_such_option=1)


class RecogniserContract:
    """Of the recogniser with this `spec`, NAME[:ARGUMENT], as `--recogniser` takes it; `several` says what to read.

    What it finds is a function of the media alone, whatever it read before and in whichever process: an outcome must
    not depend on what else was asked.
    """

    spec: ClassVar[str]

    @pytest.fixture
    def several(self) -> Sequence[Media]:
        """Three media or more, no two alike."""
        raise NotImplementedError("override the fixture `several`")

    @pytest.fixture
    def recogniser(self) -> Recogniser:
        return self._fresh()

    def _fresh(self) -> Recogniser:
        name, colon, argument = self.spec.partition(":")
        plugin = registry.load(Recogniser, name)
        options = {"argument": argument} if colon else {}
        _skip_where(plugin.missing(plugin.Options(**options)))
        return registry.create(Recogniser, name, "contract", **options)

    def test_it_is_ready_and_reads_its_medium(self, recogniser: Recogniser, several: Sequence[Media]) -> None:
        recogniser.check()
        assert {media.medium for media in several} == {recogniser.medium}
        assert any(recogniser.recognise(media).strip() for media in several)

    def test_the_same_media_give_the_same_texts_in_every_order(
        self, recogniser: Recogniser, several: Sequence[Media]
    ) -> None:
        first = [recogniser.recognise(media) for media in several]
        again = [recogniser.recognise(media) for media in reversed(several)]
        fresh = self._fresh()
        assert first == again[::-1] == [fresh.recognise(media) for media in reversed(several)][::-1]

    def test_two_workers_find_what_one_finds(
        self, recogniser: Recogniser, several: Sequence[Media], two_workers: Executor
    ) -> None:
        twice = [*several, *several]
        assert [*two_workers.map(partial(recognise, self.spec), twice)] == [recogniser.recognise(m) for m in twice]

    def test_broken_media_are_refused(self, recogniser: Recogniser, several: Sequence[Media]) -> None:
        for broken in _broken(several[0]):
            with pytest.raises(ValueError, match=r"."):
                recogniser.recognise(broken)

    def test_an_unknown_option_is_an_error_that_names_it(self) -> None:
        name = self.spec.partition(":")[0]
        _skip_missing(registry.require, Recogniser, name)
        with pytest.raises(BadInput, match="no_such_option"):
            registry.create(Recogniser, name, "contract", no_such_option=1)


class TargetContract:
    """Of the target with this `spec`, NAME[:ARGUMENT], as `--target` takes it."""

    spec: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}

    def asked(self, sent: str | Part, *, checked: bool = True) -> Response:
        """Its answer to one message of a text or another part; `checked`: once it says that it is ready."""
        part = Text(sent) if isinstance(sent, str) else sent

        async def ask() -> Response:
            target = open_target(self.spec, self.options)
            try:
                if checked:
                    await target.check()
                return await target.ask(Request((Message("user", (part,)),)))
            finally:
                await target.close()

        return asyncio.run(ask())

    def test_it_takes_text_and_only_media_that_are_known(self) -> None:
        accepts = open_target(self.spec, self.options).accepts
        assert TEXT in accepts
        assert accepts <= {*registry.media()}

    def test_it_describes_itself_in_the_same_words_each_time(self) -> None:
        first, again = (open_target(self.spec, self.options).describe() for _ in range(2))
        assert json.dumps(first, sort_keys=True) == json.dumps(again, sort_keys=True)

    def test_it_answers_a_question(self) -> None:
        response = self.asked(OTHER.text)
        assert response.status == "answered", response.failure
        assert not response.empty
        assert response.failure is None

    def test_a_medium_that_it_does_not_take_is_never_answered(self) -> None:
        try:
            assert self.asked(Media.of("no-such-medium", "x/y", b"?"), checked=False).status == "failed"
        except SafeBenchError as error:
            assert str(error)  # noqa: PT017  a failure or an error: both are right

    def test_an_unknown_option_is_an_error_that_names_it(self) -> None:
        with pytest.raises(BadInput, match="no_such_option"):
            open_target(self.spec, {"no_such_option": 1})


class JurorContract:
    """Of the juror with the entry point `name` that needs no model, or whose model `ask` plays."""

    name: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}

    async def ask(self, request: Request) -> Response:
        """What the juror's model answers."""
        raise NotImplementedError("override `ask` for a juror with a model")

    def ballot(self, answer: str, query: Query = ASKED, *, fresh: bool = True) -> Ballot:
        """On one answer to a query, in the first round; `fresh`: of a juror that has voted on nothing yet."""
        if fresh or not hasattr(self, "_kept"):
            self._kept = registry.create(Juror, self.name, "contract", **self.options)
        case = Case(query.text, query.intent, None, answer, 0, None, (), "contract#1", 0, self.ask)
        return asyncio.run(self._kept.vote(case))

    @pytest.mark.parametrize("answer", ANSWERS)
    def test_a_ballot_is_whole_and_its_own(self, answer: str) -> None:
        ballot = self.ballot(answer)
        assert (ballot.juror, ballot.round) == ("contract#1", 0)
        assert ballot.label in {*Label}
        assert ballot.rating is None if ballot.label is Label.ABSTAIN else ballot.rating in range(1, 6)

    def test_the_same_answer_gets_the_same_ballot_whatever_came_before(self) -> None:
        first = [self.ballot(answer) for answer in ANSWERS]
        again = [self.ballot(answer, fresh=False) for answer in reversed(ANSWERS)]
        assert first == again[::-1]

    @pytest.mark.parametrize("answer", NOTHING)
    def test_where_nothing_was_said_nothing_is_safe(self, answer: str) -> None:
        assert self.ballot(answer).label not in (Label.SAFE, Label.REFUSED)

    def test_an_unknown_option_is_an_error_that_names_it(self) -> None:
        with pytest.raises(BadInput, match="no_such_option"):
            registry.create(Juror, self.name, "contract", no_such_option=1)


@pytest.fixture(scope="session")
def small_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two finished runs of a reference target: of `whole` something can be concluded, of `doubted` nothing."""
    place = tmp_path_factory.mktemp("runs")
    alike = [f"Tell me {how} a {thing} is made." for how in ("how", "where") for thing in ("bell", "rope", "vase")]
    for name, texts in {"whole": SEVERAL, "doubted": alike}.items():  # answers to what is alike are taken for empty
        rows = [{"id": f"{name}{n}", "query": text, "intent": "benign"} for n, text in enumerate(texts)]
        rows += [{**row, "id": f"{row['id']}h", "intent": "harmful"} for row in rows]
        (place / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        asked = {"data": str(place / f"{name}.jsonl"), "conditions": ["text"], "target": "reference", "workers": 1}
        run(make_config("contract", **asked, max_open=1.0, allow_unproven=True, out=str(place / name)))
    return {name: place / name for name in ("whole", "doubted")}


class ExporterContract:
    """Of the exporter with the entry point `name`; `options` leads to a place of the test's own, its argument too."""

    name: ClassVar[str]

    @pytest.fixture
    def options(self) -> Mapping[str, Any]:
        raise NotImplementedError("override the fixture `options`")

    def exported(self) -> str:
        """Everything that lies where it exports to, as one text."""
        raise NotImplementedError("override `exported`")

    def exporter(self, options: Mapping[str, Any]) -> Exporter:
        _skip_missing(registry.require, Exporter, self.name)
        return registry.create(Exporter, self.name, "contract", **options)

    def export(self, folder: Path, options: Mapping[str, Any]) -> str:
        """What the user is told."""
        self.exporter(options)
        return export(folder, self.name, options=options)

    def test_the_same_run_twice_is_there_once(self, small_runs: Mapping[str, Path], options: Mapping[str, Any]) -> None:
        assert self.export(small_runs["whole"], options)
        first = self.exported()
        assert first
        assert self.export(small_runs["whole"], options)
        assert self.exported() == first

    def test_no_text_of_a_query_or_an_answer_goes_out_unasked(
        self, small_runs: Mapping[str, Path], options: Mapping[str, Any]
    ) -> None:
        self.export(small_runs["whole"], options)
        exported = self.exported()
        assert [text for text in (*SEVERAL, "simulated answer") if text in exported] == []

    def test_what_is_not_concludable_is_refused_or_says_why(
        self, small_runs: Mapping[str, Path], options: Mapping[str, Any]
    ) -> None:
        (cell,) = measure(small_runs["doubted"]).conditions
        assert not cell.evidence.concludable
        try:
            self.export(small_runs["doubted"], options)
        except BadInput as error:
            assert cell.evidence.reasons[0] in str(error)  # noqa: PT017  either is right
        else:
            assert cell.evidence.reasons[0] in unescape(self.exported())

    def test_an_unknown_option_is_an_error_that_names_it(self) -> None:
        _skip_missing(registry.require, Exporter, self.name)
        with pytest.raises(BadInput, match="no_such_option"):
            registry.create(Exporter, self.name, "contract", no_such_option=1)


def _skip_missing(check: Callable[..., None], *arguments: Any) -> None:
    """What is not installed here is skipped, by the command that installs it."""
    try:
        check(*arguments)
    except MissingPackage as error:
        pytest.skip(str(error))


def _skip_where(missing: str | None) -> None:
    if missing:
        pytest.skip(missing)


def _convert(name: str, options: Mapping[str, Any], work: Work) -> Media:
    return registry.create(Converter, name, "contract", **options).convert(work)


def _broken(media: Media) -> list[Media]:
    return [Media.of(media.medium, media.mime, data) for data in BROKEN.values()]


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _strings(one)]


def _decoded(text: str) -> bytes:
    """The bytes of base64 or of a data URI; none for any other text."""
    try:
        return base64.b64decode(text.rpartition(",")[2], validate=True)
    except ValueError:
        return b""
