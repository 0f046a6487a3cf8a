from __future__ import annotations

import pytest

from safebench.datasets.config import make_convert_config
from safebench.errors import BadInput

GOOD = {"data": "starter", "conditions": ["image"], "out": "converted"}


def test_what_contradicts_is_named_before_any_work() -> None:
    with pytest.raises(BadInput) as raised:
        make_convert_config("mine", **GOOD | {"conditions": [], "check_share": 2.0, "seed": -1, "sead": 1})
    named = [line.split(" = ")[0] for line in raised.value.problems[:3]]
    assert named == ["mine: conditions", "mine: seed", "mine: check_share"]
    assert "'sead' in mine; did you mean seed" in raised.value.problems[3]


def test_a_conversion_is_frozen() -> None:
    config = make_convert_config("mine", **GOOD)
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3
