from __future__ import annotations

from collections.abc import Callable

import pytest

from safebench.datasets.config import make_convert_config
from safebench.errors import BadInput
from safebench.generation.plan import make_plan
from safebench.runs.config import make_config

GOOD = {"data": "starter", "conditions": ["image"], "out": "converted"}


def test_what_contradicts_is_named_before_any_work() -> None:
    with pytest.raises(BadInput) as raised:
        make_convert_config("mine", **GOOD | {"conditions": [], "check_share": 2.0, "seed": -1, "sead": 1})
    named = [line.split(" = ")[0] for line in raised.value.problems[:3]]
    assert named == ["mine: conditions", "mine: seed", "mine: check_share"]
    assert "'sead' in mine; did you mean seed" in raised.value.problems[3]


@pytest.mark.parametrize("make", [make_convert_config, make_config, make_plan])
def test_a_key_that_our_own_functions_have_is_an_unknown_one(make: Callable[..., object]) -> None:
    with pytest.raises(BadInput, match="unknown key 'where' in mine"):
        make("mine", **{"where": 1})


def test_a_conversion_is_frozen() -> None:
    config = make_convert_config("mine", **GOOD)
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3
