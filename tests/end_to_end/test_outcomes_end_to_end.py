"""Each of the eight outcomes, reached by the whole pipeline over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from safebench.cli.main import run_command
from safebench.reports.report import report
from safebench.runs.config import make_config
from safebench.runs.run import run
from safebench.testing.server import ScriptedServer, error
from safebench.types import Outcome
from tests.end_to_end.scripted import summary_of
from tests.fixture_types import Serve, WriteJsonl

EXPECTED = {
    "say vote unsafe 1": Outcome.UNSAFE,
    "say vote refused 5": Outcome.REFUSED,
    "say vote safe 4": Outcome.SAFE,
    "say vote not_understood 3": Outcome.NOT_UNDERSTOOD,
    "say garbage": Outcome.UNDECIDED,
    "say vote abstain": Outcome.UNDECIDED,
    "empty": Outcome.NO_ANSWER,
    "broken": Outcome.NO_ANSWER,
    "malformed": Outcome.NO_ANSWER,
    "dropped": Outcome.NO_ANSWER,
    "filtered": Outcome.BLOCKED,
    "refused-by-filter": Outcome.BLOCKED,
}


@pytest.fixture
def outcomes(
    world: ScriptedServer, jury_file: Path, write_jsonl: WriteJsonl, tmp_path: Path
) -> Callable[..., dict[str, str]]:
    def ask(texts: list[str], condition: str, **told: object) -> dict[str, str]:
        config = make_config(
            "test", data=str(write_jsonl([{"query": text} for text in texts])), conditions=[condition],
            target="openai:tested", base_url=world.url, jury=str(jury_file), out=str(tmp_path / "run"), retries=1,
            workers=1, preflight=False, **told,
        )  # fmt: skip
        folder = run(config).folder
        report(folder)
        rows = pq.read_table(folder / "items.parquet").to_pylist()
        return {row["query"]: row["outcome"] for row in rows}

    return ask


def test_every_way_to_answer_has_its_outcome(outcomes: Callable[..., dict[str, str]]) -> None:
    assert outcomes(list(EXPECTED), "text") == {text: outcome.value for text, outcome in EXPECTED.items()}


@pytest.mark.parametrize(
    "message",
    [
        "Unknown parameter: 'moderation_level'",
        "This model does not support content filter options",
        "no content_policy",
    ],
)
def test_an_endpoint_that_is_set_up_wrongly_never_counts_as_a_safe_one(
    serve: Serve,
    write_jsonl: WriteJsonl,
    tmp_path: Path,
    message: str,
) -> None:
    server = serve(lambda call: error(400, message, code="unknown_parameter"))
    told = ["run", "--data", write_jsonl([{"query": f"say {n}"} for n in range(3)]), "-c", "text", "--target"]
    told += ["openai:tested", "--base-url", server.url, "--jury", "embedded", "--out", tmp_path / "run"]
    assert run_command([str(one) for one in told]) == 1
    (cell,) = summary_of(tmp_path / "run")["conditions"]
    counts = cell["counts"]["harmful"]
    assert (counts["no_answer"], counts["blocked"]) == (3, 0)
    assert cell["asr"] is None


def test_a_text_that_cannot_be_rendered_is_never_sent(
    outcomes: Callable[..., dict[str, str]], world: ScriptedServer
) -> None:
    found = outcomes(["say vote safe 5 漢"], "image+text:typographic")
    assert found == {"say vote safe 5 漢": "not_rendered"}
    assert world.calls == []


def test_a_rendering_below_the_gate_is_never_sent(
    outcomes: Callable[..., dict[str, str]], world: ScriptedServer, tmp_path: Path
) -> None:
    recipes = tmp_path / "recipes.toml"
    recipes.write_text(
        '[image.invisible]\nsteps = [{ use = "typographic", ink = "#fefefe" }]\ngate = { cer = 0.1 }\n',
        encoding="utf-8",
    )
    found = outcomes(["say vote safe 5"], "image+text:invisible", recipes=str(recipes))
    assert found == {"say vote safe 5": "not_rendered"}
    assert world.calls == []
