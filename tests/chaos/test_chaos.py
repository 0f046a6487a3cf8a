"""A short form of `make chaos`: no command loses, repeats or changes anything when it is killed and goes on."""

from __future__ import annotations

import pytest

from tests.chaos.campaign import NAMES, campaign


@pytest.mark.parametrize("name", NAMES)
def test_a_command_that_is_killed_ends_as_if_it_had_not_been(name: str) -> None:
    toll = campaign(name, kills=2, seed=1)
    assert toll.is_none, toll
