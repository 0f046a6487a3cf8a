"""What the budget counts, in the process that asks and when another goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from safebench.generation.panel import BudgetSpent, CallBudget
from safebench.generation.plan import Limits
from safebench.store.exchanges import spent_by_model
from safebench.store.store import Store
from safebench.types import Purpose, Response

USAGES = [
    ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 9}, 9),  # reasoning counts in the total alone
    ({"prompt_tokens": 3, "completion_tokens": 4}, 7),  # a local model
    ({"completion_tokens": 4}, 4),
    ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": None}, 7),
    ({}, 0),
]


def test_tokens_count_with_and_without_a_total(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        budget = CallBudget(store, Limits())
        for number, (usage, tokens) in enumerate(USAGES):
            before = budget.tokens
            response = Response("answered", "yes", usage=usage)
            budget.spent(response)
            assert budget.tokens - before == tokens, usage
            told = {"target": {"target": "transformers", "argument": "tiny"}}
            store.keep_exchange(str(number), number, Purpose("write"), told, response)
        spent = sum(tokens for _, tokens in USAGES)
        assert CallBudget(store, Limits()).tokens == budget.tokens == spent
        assert spent_by_model(store)["transformers:tiny"]["tokens"] == spent
        CallBudget(store, Limits(tokens=spent + 1)).admit()
        with pytest.raises(BudgetSpent, match=f"budget of {spent} tokens"):
            CallBudget(store, Limits(tokens=spent)).admit()
