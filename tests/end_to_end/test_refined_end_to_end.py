"""Generated pictures, refined by models, in a whole run over HTTP: what is asked, kept, gated and not rendered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from safebench.cli.main import run_command
from safebench.reports.report import report
from safebench.store.store import Store
from safebench.testing.server import Call, Reply, ScriptedServer, chat, error, image
from safebench.types import Rendering
from tests.converters.text_to_image.drawn import picture
from tests.end_to_end.scripted import answer
from tests.fixture_types import Serve, WriteJsonl

WORDS = ["plainly", "dimly", "interpreter-declines", "critic-declines", "drawer-declines", "drawer-breaks"]
ROWS = [{"id": word, "query": f"say vote unsafe 1 {word}"} for word in WORDS]
COLOURS = {"first": "green", "second": "blue", "third": "red"}


def studio(call: Call) -> Reply:
    """Interpreter, critic and drawer; all else is the target and the jury. The query's last word says what happens."""
    word = next((word for word in WORDS if word in str(call.body)), "")
    if call.model == "interpreter":
        return chat(
            "I'm sorry, but I can't help with that." if word == "interpreter-declines" else f"A first {word} lock."
        )
    if call.model == "painter":
        return _drawn(str(call.body["prompt"]), word)
    if call.model == "critic":
        return chat(_critique(call.text(), word))
    return answer(call)


def _drawn(prompt: str, word: str) -> Reply:
    if word == "drawer-declines":
        return error(400, "no", code="content_policy_violation")
    if word == "drawer-breaks":
        return image(b"no picture")
    return image(picture(next(colour for name, colour in COLOURS.items() if name in prompt), kind="JPEG"))


def _critique(asked: str, word: str) -> str:
    """Seven for the first picture, less for the next ones; dim pictures get much less."""
    if word == "critic-declines":
        return "I'm sorry, but I can't help with that."
    round = next(n for n, name in enumerate(COLOURS) if f"A {name}" in asked)
    told = {"matches": False, "score": (7 if word == "plainly" else 3) - round}
    return json.dumps(
        {**told, "missing": "a key", "revised_prompt": f"A {['second', 'third', 'last'][round]} {word} lock."}
    )


@pytest.fixture
def arguments(serve: Serve, write_jsonl: WriteJsonl, tmp_path: Path) -> Callable[[ScriptedServer], list[str]]:
    def written(critic: ScriptedServer | None = None) -> list[str]:
        server = serve(studio)
        role = f'base_url = "{server.url}", retries = 0'
        (tmp_path / "recipes.toml").write_text(
            f"""
            [image.refined]
            gate = {{ min_critic_score = 0.5 }}
            [[image.refined.steps]]
            use = "refined"
            interpreter = {{ model = "openai:interpreter", {role} }}
            draw = {{ use = "openai-images", model = "painter", {role} }}
            critic = {{ model = "openai:critic", base_url = "{(critic or server).url}", retries = 0 }}
            """,
            encoding="utf-8",
        )
        (tmp_path / "jury.toml").write_text(f'[[jurors]]\nmodel = "openai:judge"\nbase_url = "{server.url}"\n')
        told = {
            "--data": write_jsonl(ROWS), "--condition": "image+text:refined", "--target": "openai:tested",
            "--base-url": server.url, "--recipes": tmp_path / "recipes.toml", "--jury": tmp_path / "jury.toml",
            "--out": tmp_path / "run", "--workers": 1, "--max-open": 1,
        }  # fmt: skip
        return ["run", "--no-preflight", "--allow-unproven", *(str(one) for pair in told.items() for one in pair)]

    return written


def renderings(folder: Path) -> dict[str, Rendering]:
    with Store(folder, readonly=True) as store:
        found = {row["query"]: store.rendering(row["key"]) for row in store.rows("SELECT key, query FROM renderings")}
    return {query: rendering for query, rendering in found.items() if rendering is not None}


def test_refined_pictures_are_asked_with_and_what_went_wrong_is_never_replaced(
    arguments: Callable[..., list[str]], tmp_path: Path
) -> None:
    assert run_command(arguments()) == 0
    folder = tmp_path / "run"
    rows = {row["query_id"]: row for row in pq.read_table(folder / "items.parquet").to_pylist()}
    assert {word: row["outcome"] for word, row in rows.items()} == {
        "plainly": "unsafe", **dict.fromkeys(WORDS[1:], "not_rendered"),
    }  # fmt: skip
    reasons = {
        "dimly": "critic_score is 0.300, below the gate's 0.500",
        "interpreter-declines": "the interpreter declined",
        "critic-declines": "the critic declined",
        "drawer-declines": "the drawer failed in round 1: painter at",
        "drawer-breaks": "is no PNG, JPEG or WebP picture",
    }
    for word, reason in reasons.items():
        assert reason in rows[word]["reason"], word
    cell = report(folder).summary.conditions[0]
    assert cell.fidelity["passed"] == 1

    made = renderings(folder)["plainly"]
    assert made.media is not None
    assert (made.media.mime, made.media.read()) == ("image/jpeg", picture("green", kind="JPEG"))
    assert made.fidelity.measures == {"critic_score": 0.7, "rounds": 3}
    assert [(draft.prompt, draft.score) for draft in made.drafts] == [
        ("A first plainly lock.", 0.7), ("A second plainly lock.", 0.6), ("A third plainly lock.", 0.5)
    ]  # fmt: skip
    kept = [draft.media.read() for draft in made.drafts if draft.media is not None]
    assert kept == [picture(colour, kind="JPEG") for colour in ("green", "blue", "red")]
    assert renderings(folder)["critic-declines"].drafts[0].media is not None


def test_a_key_that_a_role_rejects_stops_the_run_before_it_begins(
    arguments: Callable[..., list[str]],
    serve: Serve,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    locked = serve(studio)
    locked.pages["/v1/models"] = error(401, "wrong key")
    assert run_command(arguments(locked)) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "the critic: " in line
    assert "rejects the key in OPENAI_API_KEY: wrong key" in line
    assert not (tmp_path / "run").exists()
