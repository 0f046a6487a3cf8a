"""No call is begun that the user did not want to pay for, and what nobody knows is never taken for nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from safebench.cli.main import run_command
from safebench.errors import BadInput, BudgetSpent, TargetRefusesService
from safebench.files import read_toml
from safebench.models.calls import Budget, CallLimits, Calls, MediaCalls
from safebench.models.opening import open_target
from safebench.models.prices import read_prices
from safebench.plugins import Target, TargetSetup
from safebench.progress import NoProgress
from safebench.runs.pipeline import Pipeline
from safebench.store.store import Store
from safebench.testing.server import ScriptedServer, error, image
from safebench.types import TEXT, Message, Purpose, Request, Response, Text
from tests.converters.text_to_image.drawn import picture

PRICES = read_prices()
REQUEST = Request((Message("user", (Text("How?"),)),))
TOLD = {"prompt_tokens": 1000, "completion_tokens": 750}  # 0.01 USD
NEXT_TO_NOTHING = {"prompt_tokens": 1, "completion_tokens": 1}


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    return open_target("openai:gpt-4o", {"base_url": "http://127.0.0.1:9/v1"})


def paid(budget: Budget, target: Any, *usages: dict[str, int], status: Any = "answered") -> None:
    for usage in usages:
        budget.admit()
        ended(budget, target, usage, status)


def ended(budget: Budget, target: Any, usage: dict[str, int], status: Any = "answered") -> None:
    budget.spent(target, REQUEST, Response(status, "yes", usage=usage))
    budget.returned()


def test_the_call_that_would_cost_too_much_is_not_made(tmp_path: Path, target: Any) -> None:
    with Store(tmp_path) as store:
        budget = Budget(store, CallLimits(cost=0.035), PRICES)
        paid(budget, target, TOLD, TOLD, TOLD)
        assert budget.cost == pytest.approx(0.03)
        with pytest.raises(BudgetSpent, match=r"0\.03 of 0\.035 USD are spent, and another call may cost 0\.01; raise"):
            budget.admit()
        assert budget.stopped


def test_what_is_spent_is_told_without_a_limit_too(tmp_path: Path, target: Any) -> None:
    class Listening(NoProgress):
        line = ""

        def spent(self, line: str) -> None:
            self.line = line

    progress = Listening()
    with Store(tmp_path) as store:
        budget = Budget(store, CallLimits(), PRICES, progress=progress)
        paid(budget, target, TOLD, TOLD)
        assert progress.line == "0.0200 USD"
        paid(budget, target, {}, {})
        assert progress.line == "0.0200 USD and what 2 calls cost, which is not known"
        paid(budget, target, TOLD)  # without a limit no call is held back


def test_calls_in_flight_are_as_dear_as_the_dearest(tmp_path: Path, target: Any) -> None:
    with Store(tmp_path) as store:
        budget = Budget(store, CallLimits(cost=0.035), PRICES)
        paid(budget, target, TOLD)
        budget.admit()
        budget.admit()
        with pytest.raises(BudgetSpent):
            budget.admit()


def test_a_budget_that_stopped_the_work_stays_spent(tmp_path: Path, target: Any) -> None:
    with Store(tmp_path) as store:
        budget = Budget(store, CallLimits(cost=0.035), PRICES)
        paid(budget, target, TOLD)
        budget.admit()
        budget.admit()
        for _ in range(2):
            with pytest.raises(BudgetSpent):
                budget.admit()
            ended(budget, target, NEXT_TO_NOTHING)
        assert budget.stopped


def test_what_may_take_many_calls_is_begun_only_where_all_of_them_may_be_made(tmp_path: Path, target: Any) -> None:
    with Store(tmp_path) as store:
        budget = Budget(store, CallLimits(calls=5), PRICES)
        budget.reserve(3)
        with pytest.raises(BudgetSpent, match="of the budget of 5 calls 2 are left, and a rendering or reading may t"):
            budget.reserve(3)
        budget = Budget(store, CallLimits(cost=0.035), PRICES)
        paid(budget, target, TOLD)
        budget.reserve(2)
        budget.release(2)
        with pytest.raises(BudgetSpent, match=r"0\.01 of 0\.035 USD are spent, and another 3 calls may cost 0\.03"):
            budget.reserve(3)


async def test_a_call_that_has_media_read_back_does_not_wait_for_itself(tmp_path: Path, target: Any) -> None:
    with Store(tmp_path) as store:
        budget = Budget(store, CallLimits(cost=0.025), PRICES)
        paid(budget, target, TOLD)
        budget.admit()  # as a cascade, which then hears
        with pytest.raises(BudgetSpent, match="another call may cost"):
            async with asyncio.timeout(60), MediaCalls(store, budget).admitted(1, inside=True):
                pass
        budget.returned()


class OnceDear(Target):
    """Tells a call of 0.01 USD, and then calls that cost next to nothing."""

    name = "openai"
    asked = 0

    @property
    def accepts(self) -> frozenset[str]:
        return frozenset({TEXT})

    async def ask(self, request: Request) -> Response:
        self.asked += 1
        await asyncio.sleep(0)
        return Response("answered", "yes", usage=TOLD if self.asked == 1 else NEXT_TO_NOTHING)


async def test_a_call_waits_for_those_in_flight_where_only_they_may_need_the_rest(tmp_path: Path) -> None:
    target = OnceDear(TargetSetup("gpt-4o"))
    with Store(tmp_path) as store:
        budget = Budget(store, CallLimits(cost=0.035), PRICES)
        calls = Calls(store, 4, asyncio.Event(), budget)
        asked = (calls.ask(target, REQUEST, item, Purpose("target")) for item in range(60))
        answers = await asyncio.wait_for(asyncio.gather(*asked), 60)
    assert len(answers) == target.asked == 60
    assert not budget.stopped


async def test_who_waits_is_let_go_when_a_call_breaks(tmp_path: Path) -> None:
    class Breaking(OnceDear):
        async def ask(self, request: Request) -> Response:
            if self.asked == 1:
                await asyncio.sleep(0)
                raise TargetRefusesService("no such model")
            return await super().ask(request)

    target = Breaking(TargetSetup("gpt-4o"))
    with Store(tmp_path) as store:
        calls = Calls(store, 4, asyncio.Event(), Budget(store, CallLimits(cost=0.025), PRICES))
        await calls.ask(target, REQUEST, 0, Purpose("target"))
        asked = (calls.ask(target, REQUEST, item, Purpose("target")) for item in range(1, 5))
        raised = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 60)
    assert [type(error) for error in raised] == 4 * [TargetRefusesService]


def test_what_was_paid_by_an_earlier_start_counts(tmp_path: Path, target: Any) -> None:
    with Store(tmp_path) as store:
        asked = {"target": dict(target.describe()), "request": REQUEST.describe()}
        for number, role in enumerate(("target", "jury", "jury")):
            purpose = Purpose(role)  # type: ignore[arg-type]
            store.keep_exchange(str(number), 1, purpose, asked, Response("answered", "yes", usage=TOLD))
        assert Budget(store, CallLimits(cost=1), PRICES).cost == pytest.approx(0.03)
        assert Budget(store, CallLimits(cost=1), PRICES, "jury").cost == pytest.approx(0.02)
        assert Budget(store, CallLimits(cost=1), PRICES, "jury").calls == 2


def test_a_failed_call_counts_as_the_dearest(tmp_path: Path, target: Any) -> None:
    with Store(tmp_path) as store:
        budget = Budget(store, CallLimits(cost=1), PRICES)
        paid(budget, target, TOLD)
        paid(budget, target, {}, status="failed")
        assert budget.cost == pytest.approx(0.02)


def test_an_answer_that_told_no_tokens_ends_a_budget_of_money(tmp_path: Path, target: Any) -> None:
    with Store(tmp_path) as store:
        budget = Budget(store, CallLimits(cost=1), PRICES)
        paid(budget, target, {})
        with pytest.raises(BudgetSpent, match="openai:gpt-4o told no tokens, so that its cost is not known"):
            budget.admit()
        paid(Budget(store, CallLimits(calls=3), PRICES), target, {}, {}, {})


def test_a_price_that_is_not_known_is_an_error_before_the_first_call() -> None:
    unknown = open_target("openai:mine", {"base_url": "http://127.0.0.1:9/v1"})
    CallLimits(calls=3).check(PRICES, [unknown])
    with pytest.raises(BadInput, match="--max-cost: the price of openai:mine is not known"):
        CallLimits(cost=1).check(PRICES, [unknown])


@pytest.mark.parametrize(
    "limit", [{"cost": float("nan")}, {"cost": float("inf")}, {"cost": -5.0}, {"calls": 0}, {"tokens": -1}]
)
def test_a_limit_is_a_finite_number_above_0(limit: dict[str, Any]) -> None:
    ((name, value),) = limit.items()
    with pytest.raises(BadInput, match=f"--max-{name} {value}: give a finite number above 0"):
        CallLimits(**limit)


def ran(*told: str) -> int:
    given = ["--data", "queries.csv", "--condition", "text", "--target", "reference", "--out", "out"]
    return run_command(["run", *given, *told])


@pytest.fixture
def queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("queries.csv").write_text("id,query\n" + "".join(f"q{n},How {n}?\n" for n in range(9)), encoding="utf-8")


def asked() -> int:
    with sqlite3.connect("out/run.db") as connection:
        return int(connection.execute("SELECT count(*) FROM exchanges").fetchone()[0])


def test_a_run_stops_after_so_many_calls_and_goes_on_where_it_was(
    queries: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran("--max-calls", "4") == 1
    said = capsys.readouterr().err
    assert "exit status 1: the budget of 4 calls is spent; raise --max-calls" in said
    assert "exit status 1: 5 items have no outcome yet" in said
    assert asked() == 4
    assert ran("--max-calls", "6") == 1
    assert asked() == 6
    ran("--max-calls", "100")
    assert asked() == 9
    assert "budget" not in capsys.readouterr().err.splitlines()[-1]


def test_a_budget_holds_over_starts_that_try_again_what_failed(queries: None) -> None:
    with ScriptedServer(lambda _: error(400)) as server:
        target = ("--target", "openai:mine", "--base-url", server.url, "--no-preflight", "--max-calls", "12")
        for again in ((), ("--retry-failed",), ("--retry-failed",)):
            assert ran(*target, *again) == 1
        assert len(server.calls) == asked() == 12


def test_a_run_that_ends_with_items_to_do_says_so_whatever_the_cause(
    queries: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(_: Pipeline) -> None:
        """As if its items were lost on their way."""

    monkeypatch.setattr(Pipeline, "run", nothing)
    assert ran("--allow-unproven") == 1
    assert "exit status 1: 9 items have no outcome yet" in capsys.readouterr().err


def test_a_run_whose_price_nobody_knows_never_begins(queries: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--max-cost", "5", "--target", "openai:mine", "--base-url", "http://127.0.0.1:9/v1") == 2
    assert "the price of openai:mine is not known" in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_medium_whose_price_nobody_knows_is_an_error_before_the_first_call(
    queries: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    assert ran("--max-cost", "5", "--target", "openai:gpt-4o", "--condition", "audio") == 2
    assert "the price of openai:gpt-4o for audio is not known" in capsys.readouterr().err
    assert not Path("out").exists()


def drawn(server: ScriptedServer, *told: str) -> int:
    Path("recipes.toml").write_text(
        f'[image.drawn]\n[[image.drawn.steps]]\nuse = "openai-images"\nmodel = "painter"\nbase_url = "{server.url}"\n',
        encoding="utf-8",
    )
    options = ("--recipes", "recipes.toml", "--check-share", "0", "--workers", "1", "--no-preflight")
    given = ["--data", "queries.csv", "-c", "image+text:drawn", "--target", "reference", "--out", "out"]
    return run_command(["run", *given, *options, *told])


def test_pictures_that_a_model_draws_are_calls_of_the_budget(queries: None, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedServer(lambda _: image(picture("red"))) as server:
        assert drawn(server, "--max-calls", "6") == 1
        assert asked() == 6
        assert len(server.calls) > 0
        assert "exit status 1: the budget of 6 calls is spent" in capsys.readouterr().err
        drawn(server, "--max-calls", "18")
        assert asked() == 18  # none is drawn twice
        assert len(server.calls) == 9
    said = capsys.readouterr()
    assert "not known of 9 calls of media" in said.out
    assert "budget" not in said.err


def test_a_picture_whose_price_is_told_counts_in_a_budget_of_money(
    queries: None, capsys: pytest.CaptureFixture[str]
) -> None:
    priced = '[models.painter]\neach = { calls = 1 }\ndate = "2026-11-30"\nsource = ["ours"]\n'
    Path("mine.toml").write_text(priced, encoding="utf-8")
    with ScriptedServer(lambda _: image(picture("red"))) as server:
        assert drawn(server, "--max-cost", "5") == 2
        assert "the price of openai:painter is not known" in capsys.readouterr().err
        assert not Path("out").exists()
        assert drawn(server, "--max-cost", "5", "--prices", "mine.toml") == 1
        assert len(server.calls) == 5
    assert "media 5.00 USD" in capsys.readouterr().out


def test_the_run_file_has_the_budget_of_the_last_start(queries: None) -> None:
    Path("mine.toml").write_text("", encoding="utf-8")
    ran("--max-calls", "4", "--max-cost", "5", "--max-open", "0.5")
    first = read_toml(Path("out/run.toml"))
    ran("--max-calls", "6", "--prices", "mine.toml", "--max-open", "0.2")
    last = read_toml(Path("out/run.toml"))
    changed = {"max_calls": 6, "max_open": 0.2, "prices": str(Path("mine.toml").resolve())}
    assert last == {**{key: value for key, value in first.items() if key != "max_cost"}, **changed}
    assert run_command(["run", "out/run.toml"]) == 1
    assert asked() == 6


def test_a_limit_that_is_not_kept_stands_before_a_spent_budget(queries: None) -> None:
    assert ran("--max-calls", "4", "--fail-over", "asr(text) > 0.9") == 3
