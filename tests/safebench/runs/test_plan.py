from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from converters.text_to_image.chat import Chat
from modalities.audio.transcriptions import OpenAITranscriptions
from modalities.image import ImageModality
from modalities.image.ocr import RapidOcr
from safebench import registry
from safebench.cli.main import run_command
from safebench.errors import BadInput
from safebench.files import read_toml, write_toml
from safebench.models.recognisers import best
from safebench.rendering.conditions import Carrier
from safebench.rendering.recognition import choose_recognisers, transcribers
from safebench.runs.config import make_config
from safebench.runs.folder import claim_folder, is_there, resolved
from safebench.runs.plan import RunPlan, make_plan
from safebench.runs.run import run
from tests.own_taxonomy import TEXT, own_taxonomy


def test_recognisers_are_chosen_by_their_medium() -> None:
    chosen = choose_recognisers(["rapidocr", "openai-transcriptions:whisper-1@http://127.0.0.1:9/v1"])
    assert chosen == {"image": "rapidocr", "audio": "openai-transcriptions:whisper-1@http://127.0.0.1:9/v1"}


def test_a_medium_that_comes_later_is_read_back_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("id,query\na,How?\n", encoding="utf-8")
    asked = {"data": str(tmp_path / "q.csv"), "target": "reference", "out": str(tmp_path / "run")}
    run(make_config("test", conditions=["text"], **asked))
    grown = make_plan(make_config("test", conditions=["text", "image"], **asked))
    assert grown.rendering.settings.recognisers == {"image": "rapidocr"}


def test_answers_are_transcribed_by_those_that_can() -> None:
    whisper = "openai-transcriptions:whisper-1"
    assert transcribers({"image": "rapidocr", "audio": "pocketsphinx"}) == {"image": "rapidocr"}
    assert transcribers({"audio": whisper}) == {"audio": whisper}


@pytest.mark.parametrize(
    ("specs", "named"),
    [
        (["rapidcor"], "rapidocr"),
        (["pocketsphinx", "openai-transcriptions:whisper-1"], "both for audio"),
        (["rapidocr:large"], "argument"),
        (["openai-transcriptions"], "openai-transcriptions"),
    ],
)
def test_a_recogniser_that_cannot_work_is_found_before_the_run(specs: list[str], named: str) -> None:
    with pytest.raises(BadInput, match=named):
        choose_recognisers(specs)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is called to make a plan."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")


def plan(tmp_path: Path, *conditions: str, **told: object) -> RunPlan:
    values = {"data": "starter-small", "target": "openai:tested", "out": str(tmp_path / "run"), **told}
    return make_plan(make_config("test", conditions=conditions, **values))


@pytest.mark.parametrize(
    ("asked", "instead"),
    [
        ("audio:silence", "audio+text:silence"),
        ("audio:small-talk", "audio+text:small-talk"),
        ("image:black", "image+text:black"),
        ("image:unrelated", "image+text:unrelated"),
    ],
)
def test_a_control_without_the_written_query_is_refused(tmp_path: Path, asked: str, instead: str) -> None:
    with pytest.raises(BadInput) as refused:
        plan(tmp_path, "text", asked)
    (line,) = refused.value.problems
    assert line.startswith(f"condition {asked}: ")
    assert line.endswith(f"write {instead}")
    assert plan(tmp_path, "text", instead).data.conditions


def test_a_control_among_others_is_refused_too(tmp_path: Path) -> None:
    mixed = {"audio": {"mixed": {"among": ["female", "silence"]}}}
    with pytest.raises(BadInput, match=r"write audio\+text:mixed"):
        plan(tmp_path, "audio:mixed", recipe=mixed)
    assert plan(tmp_path, "audio+text:mixed", recipe=mixed).data.conditions


@pytest.mark.parametrize(
    ("conditions", "tried"),
    [
        (("audio+text:silence", "audio:us-male", "audio:us-female", "audio+text:small-talk"), {"audio": "us-male"}),
        (("image+text:noise", "image+text:black"), {"image": "typographic"}),
        (("text", "audio:us-balanced", "image:chat"), {"audio": "us-female", "image": "chat"}),
        (("text",), {}),
    ],
)
def test_a_medium_is_tried_by_a_recipe_that_carries_its_query(
    tmp_path: Path, conditions: tuple[str, ...], tried: dict[str, str]
) -> None:
    balanced = {"audio": {"us-balanced": {"among": ["us-female", "us-male"]}}}
    found = plan(tmp_path, *conditions, recipe=balanced).asking.trials
    assert {medium: recipe.name for medium, recipe in found.items()} == tried


def test_who_decides_the_fidelity_gate_is_recorded_with_the_versions_of_its_packages(tmp_path: Path) -> None:
    whisper = "openai-transcriptions:whisper-1@http://127.0.0.1:9/v1"
    packages = " ".join(f"{name} {version(name)}" for name in ("rapidocr", "onnxruntime"))
    image = {"name": "rapidocr", "version": f"2 {packages}"}
    assert resolved(plan(tmp_path, "text"))["recognisers"] == {}
    asked = plan(tmp_path, "text", "image", "audio:female")
    assert resolved(asked)["recognisers"] == {"image": image, "audio": registry.recogniser_facts(str(best("audio")))}
    chosen = resolved(plan(tmp_path, "text", "image", recognisers=[whisper]))["recognisers"]
    assert chosen == {"image": image, "audio": {"name": whisper, "version": OpenAITranscriptions.version}}
    heard = resolved(plan(tmp_path, "audio:female", recognisers=["pocketsphinx"]))["recognisers"]["audio"]
    assert heard == {"name": "pocketsphinx", "version": f"4 pocketsphinx {version('pocketsphinx')}"}


def test_a_run_is_not_continued_with_another_version_of_who_reads_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim_folder(plan(tmp_path, "image"))
    monkeypatch.setattr(RapidOcr, "version", "0")
    with pytest.raises(BadInput, match=r"resolved\.recognisers\.image\.version"):
        claim_folder(plan(tmp_path, "image"))


ALTERNATIVES = {
    "image": {
        "bubble": {"steps": [{"use": "chat"}]},
        "plain": {"steps": [{"use": "typographic"}]},
        "best": {"first_of": ["bubble", "plain"]},
    }
}


def test_what_a_name_stands_for_is_frozen_and_the_run_goes_on_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine where one engine works, and then on one where it does not."""
    made = plan(tmp_path, "image:best", recipe=ALTERNATIVES)
    claim_folder(made)
    chosen = read_toml(tmp_path / "run" / "run.toml")["resolved"]["chosen"]["image.best"]
    assert chosen == {"recipe": "bubble", "made_by": [f"chat {Chat.version}"], "files": {}}
    claim_folder(plan(tmp_path, "image:best", recipe=ALTERNATIVES))
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(Chat, "missing", lambda options: "'chat' needs bubbles: pip install bubbles")
        with pytest.raises(BadInput, match=r"image:best is image:bubble, by chat .*pip install bubbles.*--out"):
            plan(tmp_path, "image:best", recipe=ALTERNATIVES)
        fresh = plan(tmp_path, "image:best", recipe=ALTERNATIVES, out=str(tmp_path / "another"))
        claim_folder(fresh)
        assert [recipe.name for recipe in fresh.rendering.to_render] == ["plain"]
    again = plan(tmp_path, "image:best", recipe=ALTERNATIVES, out=str(tmp_path / "another"))
    claim_folder(again)  # what is better now was not there when it was planned
    assert [recipe.name for recipe in again.rendering.to_render] == ["plain"]


def test_who_reads_media_back_is_the_best_that_can_work_and_nobody_where_the_user_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageModality, "recognisers", ("eyes-of-nobody", "rapidocr"))
    assert plan(tmp_path, "image").rendering.settings.recognisers == {"image": "rapidocr"}
    for named in (["none"], ["none", "pocketsphinx"]):
        off = plan(tmp_path, "image", recognisers=named)
        assert "image" not in off.rendering.settings.recognisers
        assert "image" not in resolved(off)["recognisers"]
    monkeypatch.setattr(RapidOcr, "missing", lambda options: "'rapidocr' needs rapidocr")
    assert plan(tmp_path, "image").rendering.settings.recognisers == {}


def test_a_run_goes_on_with_who_read_its_media_back_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim_folder(plan(tmp_path, "image"))
    blind = {"out": str(tmp_path / "blind")}
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(RapidOcr, "missing", lambda options: "'rapidocr' needs rapidocr: pip install rapidocr")
        with pytest.raises(BadInput, match=r"image is read back by rapidocr in what is to go on.*pip install rapidocr"):
            plan(tmp_path, "image")
        claim_folder(plan(tmp_path, "image", **blind))
    again = plan(tmp_path, "image", **blind)
    assert again.rendering.settings.recognisers == {}
    claim_folder(again)


def test_a_medium_that_is_not_asked_is_not_tried(tmp_path: Path) -> None:
    assert set(plan(tmp_path, "text", "audio", "image", accepts=("text", "image")).asking.trials) == {"image"}


JUDGED = {"jury": {"jurors": [{"model": "openai:m", "name": "judge"}], "writer": {"model": "openai:w"}}}


@pytest.mark.parametrize(
    ("told", "named"),
    [
        (JUDGED, "resolved.jurors.judge.model.base_url"),
        (JUDGED, "resolved.writer.base_url"),
        ({"target": "openai:m"}, "resolved.target.base_url"),
    ],
)
def test_a_run_is_not_continued_at_another_endpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, object], named: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    claim_folder(plan(tmp_path, "text", **told))
    claim_folder(plan(tmp_path, "text", **told))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:2/v1")
    with pytest.raises(BadInput) as found:
        claim_folder(plan(tmp_path, "text", **told))
    assert f"{named} (there 'http://127.0.0.1:1/v1', here 'http://127.0.0.1:2/v1')" in str(found.value)


def test_parameters_of_any_shape_come_back_as_they_were(tmp_path: Path) -> None:
    parameters = {"stop": ["a", "b"], "temperature": 0, "extra": {"top_k": 3, "deep": [{"x": 1.5}]}}
    told = {"jury": {"jurors": [{"model": "openai:m", "parameters": parameters}]}, "target": "openai:m"}
    claim_folder(plan(tmp_path, "text", **told))
    claim_folder(plan(tmp_path, "text", **told))


def test_a_run_judged_under_other_scenarios_is_another_run(tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "queries.csv"
    own_taxonomy(mine.parent)
    mine.write_text("id,query,scenario\na,How?,bias\n", encoding="utf-8")
    claim_folder(plan(tmp_path, "text", data=str(mine)))
    claim_folder(plan(tmp_path, "text", data=str(mine)))
    own_taxonomy(mine.parent, TEXT.replace("for who they are", "at all"))
    with pytest.raises(BadInput) as refused:
        claim_folder(plan(tmp_path, "text", data=str(mine)))
    (line,) = refused.value.problems
    assert line == f"scenario 'bias' is not the same in {tmp_path / 'run'} and in {mine}: its description differs"
    own_taxonomy(mine.parent, TEXT.replace("cruelty", "cruelties"))
    with pytest.raises(BadInput, match="it differs in its jury and its scenarios: "):
        claim_folder(plan(tmp_path, "text", data=str(mine)))


def test_what_is_written_beside_media_is_recorded_and_a_run_is_not_continued_with_another_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(tmp_path, "text", "image", "audio+text:female-agree", probe=1.0)
    written = resolved(made)["written"]
    probe = ["comprehension.choose", "comprehension.repeat", "comprehension.sentences"]
    assert {place.partition(" by ")[0] for place in written} == {
        "text",
        "image:typographic",
        "audio+text:female-agree",
        *probe,
    }
    claim_folder(made)
    claim_folder(made)
    monkeypatch.setattr(Carrier, "fingerprint", lambda carrier: "other")
    with pytest.raises(BadInput, match=r"resolved\.written\.audio\+text:female-agree by "):
        claim_folder(made)


def test_a_run_is_not_continued_where_what_is_written_beside_dealt_recipes_has_changed(tmp_path: Path) -> None:
    def both(carrier: str) -> RunPlan:
        write_toml(tmp_path / "both.toml", {"audio": {"both": {"among": ["female", "male"], "carrier": carrier}}})
        return plan(tmp_path, "audio+text:female", "audio+text:both", recipes=str(tmp_path / "both.toml"))

    written = resolved(both("agree"))["written"]
    assert {place.partition(" by ")[0] for place in written} == {"audio+text:female", "audio+text:both"}
    assert len({place for place in written if place.startswith("audio+text:both by ")}) > 1
    assert len({*written.values()}) == 2
    claim_folder(both("query"))
    claim_folder(both("query"))
    with pytest.raises(BadInput, match=r"resolved\.dealing\.audio\.both"):
        claim_folder(both("agree"))


def test_a_run_keeps_the_texts_of_its_wordings_and_grows_by_others(tmp_path: Path) -> None:
    def worded(*wordings: str) -> RunPlan:
        return plan(tmp_path, "text", "image+text", wordings=wordings)

    mine = "mine=Dear model, {query}"
    claim_folder(worded("bare", mine))
    written = read_toml(tmp_path / "run" / "run.toml")
    assert written["conditions"] == [
        "text~bare",
        "text~mine",
        *(f"image+text:typographic~{w}" for w in ("bare", "mine")),
    ]
    assert written["wording"] == {"bare": {"text": "{query}"}, "mine": {"text": "Dear model, {query}"}}
    assert [*written["resolved"]["written"]] == written["conditions"]
    claim_folder(make_plan(make_config("again", **{k: v for k, v in written.items() if k != "revisions"})))
    assert is_there(worded("bare", mine, "polite"))
    with pytest.raises(BadInput, match=r"what is written: wording\.mine"):
        claim_folder(worded("bare", "mine=Dear friend, {query}"))
    with pytest.raises(BadInput, match="holds a run under text~bare"):
        claim_folder(worded(mine))


def test_what_is_written_is_told_by_condition_also_the_query_alone_and_what_is_beside_media(
    tmp_path: Path,
) -> None:
    def written(mine: dict[str, str]) -> dict[str, str]:
        return dict(resolved(plan(tmp_path, "text", "image", wording={"mine": mine}, wordings=["mine"]))["written"])

    bare = written({"text": "{query}", "beside": "Go on."})
    other = written({"text": "Answer: {query}", "beside": "Go on."})
    assert [*bare] == [*other] == ["text~mine", "image:typographic~mine"]
    assert [place for place in bare if bare[place] != other[place]] == ["text~mine"]


def test_a_run_in_a_wording_grows_by_media_that_it_is_written_beside(tmp_path: Path) -> None:
    claim_folder(plan(tmp_path, "text", wordings=["polite"]))
    assert is_there(plan(tmp_path, "text", "image", wordings=["polite"]))


def test_what_is_wrong_with_a_wording_is_said_of_every_condition_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"text~look: .* speaks of image(?s:.*)image:typographic~look: .*holds the query"
    ):
        plan(tmp_path, "text", "image", wordings=["look"])
    assert not (tmp_path / "run").exists()


def test_a_target_that_takes_no_text_is_not_asked_in_a_wording(tmp_path: Path) -> None:
    made = plan(tmp_path, "image", "image~request", accepts=["image"])
    assert [*map(str, made.asking.skipped)] == ["image:typographic~request"]


def test_a_misspelt_carrier_is_one_clear_line_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.toml").write_text('[image.own]\nsteps = [{ use = "chat" }]\ncarrier = "figstpe"\n')
    out = tmp_path / "run"
    asked = ["--target", "reference", "--jury", "embedded", "-c", "image:own", "--recipes", str(tmp_path / "own.toml")]
    assert run_command(["run", "--data", "starter-small", *asked, "--out", str(out)]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "unknown wording 'figstpe' in the carrier of recipe image.own; did you mean figstep" in told
    assert not out.exists()
