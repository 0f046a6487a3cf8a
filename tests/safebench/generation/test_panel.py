"""What the budget counts, in the process that asks and when another goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from safebench.errors import BudgetSpent
from safebench.models.calls import Budget, CallLimits
from safebench.models.opening import open_target
from safebench.models.prices import read_prices
from safebench.store.exchanges import spent_by_model
from safebench.store.store import Store
from safebench.types import Message, Purpose, Request, Response, Text

PRICES = read_prices()
TARGET = open_target("reference", {})
REQUEST = Request((Message("user", (Text("How?"),)),))

USAGES = [
    ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 9}, 9),  # reasoning counts in the total alone
    ({"prompt_tokens": 3, "completion_tokens": 4}, 7),  # a local model
    ({"completion_tokens": 4}, 4),
    ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": None}, 7),
    ({}, 0),
]


def test_tokens_count_with_and_without_a_total(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        budget = Budget(store, CallLimits(), PRICES)
        for number, (usage, tokens) in enumerate(USAGES):
            before = budget.tokens
            response = Response("answered", "yes", usage=usage)
            budget.spent(TARGET, REQUEST, response)
            assert budget.tokens - before == tokens, usage
            told = {"target": {"target": "transformers", "argument": "tiny"}}
            store.keep_exchange(str(number), number, Purpose("write"), told, response)
        spent = sum(tokens for _, tokens in USAGES)
        assert Budget(store, CallLimits(), PRICES).tokens == budget.tokens == spent
        assert spent_by_model(store)["transformers:tiny"]["tokens"] == spent
        Budget(store, CallLimits(tokens=spent + 1), PRICES).admit()
        with pytest.raises(BudgetSpent, match=f"budget of {spent} tokens"):
            Budget(store, CallLimits(tokens=spent), PRICES).admit()
