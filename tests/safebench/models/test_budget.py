"""No call is begun that the user did not want to pay for, and what nobody knows is never taken for nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from safebench.cli.main import run_command
from safebench.errors import BadInput, BudgetSpent
from safebench.models.calls import Budget, CallLimits
from safebench.models.opening import open_target
from safebench.models.prices import read_prices
from safebench.store.store import Store
from safebench.types import Message, Purpose, Request, Response, Text

PRICES = read_prices()
REQUEST = Request((Message("user", (Text("How?"),)),))
TOLD = {"prompt_tokens": 1000, "completion_tokens": 750}  # 0.01 USD


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    return open_target("openai:gpt-4o", {"base_url": "http://127.0.0.1:9/v1"})


def paid(budget: Budget, target: Any, *usages: dict[str, int], status: Any = "answered") -> None:
    for usage in usages:
        budget.admit()
        budget.spent(target, REQUEST, Response(status, "yes", usage=usage))


def test_the_call_that_would_cost_too_much_is_not_made(tmp_path: Path, target: Any) -> None:
    with Store(tmp_path) as store:
        budget = Budget(store, CallLimits(cost=0.035), PRICES)
        paid(budget, target, TOLD, TOLD, TOLD)
        assert budget.cost == pytest.approx(0.03)
        with pytest.raises(BudgetSpent, match=r"the budget of 0\.035 USD is spent; raise --max-cost"):
            budget.admit()
        assert budget.stopped


def test_calls_in_flight_are_as_dear_as_the_dearest(tmp_path: Path, target: Any) -> None:
    with Store(tmp_path) as store:
        budget = Budget(store, CallLimits(cost=0.035), PRICES)
        paid(budget, target, TOLD)
        budget.admit()
        budget.admit()
        with pytest.raises(BudgetSpent):
            budget.admit()


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
    assert "exit status 1: the budget of 4 calls is spent; raise --max-calls" in capsys.readouterr().err
    assert asked() == 4
    assert ran("--max-calls", "6") == 1
    assert asked() == 6
    ran("--max-calls", "100")
    assert asked() == 9
    assert "budget" not in capsys.readouterr().err.splitlines()[-1]


def test_a_run_whose_price_nobody_knows_never_begins(queries: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--max-cost", "5", "--target", "openai:mine", "--base-url", "http://127.0.0.1:9/v1") == 2
    assert "the price of openai:mine is not known" in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_limit_that_is_not_kept_stands_before_a_spent_budget(queries: None) -> None:
    assert ran("--max-calls", "4", "--fail-over", "asr(text) > 0.9") == 3
