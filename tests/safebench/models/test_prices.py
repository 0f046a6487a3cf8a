"""What calls cost: by hand from published prices, and never nothing where nobody knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from safebench.errors import BadInput
from safebench.models.prices import (
    HERE,
    Range,
    RoleCost,
    cost_line,
    cost_of,
    read_prices,
    recorded_costs,
    total_tokens,
    usd,
)
from safebench.store.store import Store
from safebench.types import Purpose, Response

PRICES = read_prices()


def cost(model: str, media: set[str] = frozenset(), **usage: Any) -> Any:  # type: ignore[assignment]
    price = PRICES.of(model)
    assert price is not None
    return cost_of(price, usage, media)


def test_every_shipped_price_says_where_and_when_it_was_read() -> None:
    assert len(PRICES.models) >= 10
    for price in PRICES.models.values():
        assert price.date.year >= 2026
        assert all(source.startswith("https://") for source in price.source)


def test_a_model_that_nobody_priced_has_no_price() -> None:
    assert PRICES.of("openai:Qwen/Qwen3-8B") is None
    assert PRICES.of("python:mine:answer") is None
    assert PRICES.of("transformers:Qwen/Qwen3-8B") is HERE
    assert PRICES.of("vllm:Qwen/Qwen3-8B") is HERE
    assert PRICES.of("gpt-4o") == PRICES.of("openai:gpt-4o") == PRICES.of("cascade:openai:gpt-4o")


def test_text_costs_what_its_tokens_cost() -> None:
    told = cost("openai:gpt-4o", prompt_tokens=1000, completion_tokens=200)
    assert told == Range(*[pytest.approx((1000 * 2.5 + 200 * 10) / 1e6)] * 2)
    cached = {"cached_tokens": 400}
    told = cost("openai:gpt-4o", prompt_tokens=1000, completion_tokens=200, prompt_tokens_details=cached)
    assert told == Range(*[pytest.approx((600 * 2.5 + 400 * 1.25 + 200 * 10) / 1e6)] * 2)


def test_speech_costs_what_its_own_tokens_cost() -> None:
    told = cost(
        "openai:gpt-audio", {"audio"}, prompt_tokens=100, completion_tokens=90,
        prompt_tokens_details={"audio_tokens": 80}, completion_tokens_details={"audio_tokens": 60},
    )  # fmt: skip
    assert told == Range(*[pytest.approx((20 * 2.5 + 80 * 32 + 30 * 10 + 60 * 64) / 1e6)] * 2)


def test_where_nobody_says_which_tokens_are_speech_the_cost_is_a_range() -> None:
    told = cost("openai:gemini-2.5-flash", {"audio"}, prompt_tokens=100, completion_tokens=0)
    assert told == Range(pytest.approx(100 * 0.3 / 1e6), pytest.approx(100 * 1 / 1e6))
    assert cost("openai:gemini-2.5-flash", prompt_tokens=100, completion_tokens=0).high == pytest.approx(30 / 1e6)


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": "9", "completion_tokens": 9}, {"prompt_tokens": -1}])
def test_a_call_that_told_no_tokens_has_no_cost_that_is_known(usage: dict[str, Any]) -> None:
    assert cost("openai:gpt-4o", **usage) == "told no tokens"


def test_a_medium_without_a_price_has_no_cost_that_is_known() -> None:
    no_price = "has no price for audio"
    assert cost("openai:gemini-2.5-flash-lite", {"audio"}, prompt_tokens=100, completion_tokens=9) == no_price
    spoken = {"completion_tokens_details": {"audio_tokens": 5}}
    assert cost("openai:gpt-4o", prompt_tokens=100, completion_tokens=9, **spoken) == no_price


def test_a_cascade_costs_what_the_text_target_costs_and_nothing_where_nobody_was_asked() -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 750}
    cascade, cent = "cascade:openai:gpt-4o", pytest.approx(0.01)
    assert PRICES.cost(cascade, usage, ["audio"], "answered") == Range(cent, cent)
    assert PRICES.cost("openai:gpt-4o", usage, ["audio"], "answered") == "has no price for audio"
    assert PRICES.cost(cascade, {}, ["audio"], "unheard") == Range()
    assert PRICES.cost("openai:mine", usage, [], "answered") == "has no price"


def test_a_medium_is_priced_where_the_model_is_sent_it() -> None:
    asked = [("openai:gpt-audio", "audio"), ("openai:gpt-4o", "audio"), ("cascade:openai:gpt-4o", "audio")]
    assert [PRICES.knows(*one) for one in asked] == [True, False, True]
    assert PRICES.knows("transformers:any", "audio")
    assert PRICES.knows("openai:gpt-4o", "text")


def test_a_medium_that_is_made_costs_what_each_unit_costs(tmp_path: Path) -> None:
    assert cost("openai:tts-1", characters=2000) == Range(pytest.approx(0.03), pytest.approx(0.03))
    assert cost("openai:whisper-1", seconds=120) == Range(pytest.approx(0.012), pytest.approx(0.012))
    assert cost("openai:whisper-1", {"audio"}) == "told no seconds"
    (tmp_path / "mine.toml").write_text(
        '[models.painter]\neach = { calls = 0.04 }\ndate = "2026-11-01"\nsource = ["our contract"]\n', encoding="utf-8"
    )
    assert read_prices(tmp_path / "mine.toml").cost("openai:painter", {}, [], "answered") == Range(0.04, 0.04)


def test_tokens_are_counted_whatever_a_provider_calls_them() -> None:
    usage = {"input_tokens": 1000, "output_tokens": 200, "input_tokens_details": {"cached_tokens": 400}}
    cent = pytest.approx((600 * 2.5 + 400 * 1.25 + 200 * 10) / 1e6)
    assert cost("openai:gpt-4o", **usage) == Range(cent, cent)
    assert total_tokens(usage) == 1200


def test_the_users_file_wins(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    model = 'input = 1\noutput = 2\ndate = "2026-11-01"\nsource = ["our contract"]\n'
    file.write_text(f'[models.gpt-4o]\n{model}[models."Qwen/Qwen3-8B"]\n{model}', encoding="utf-8")
    prices = read_prices(file)
    assert (prices.of("openai:gpt-4o").input, prices.of("openai:Qwen/Qwen3-8B").output) == (1, 2)
    assert prices.of("openai:gpt-4.1") == PRICES.of("openai:gpt-4.1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[models.m]\ninput = 1\n", "models.m.output"),
        ("models = 3\n", "models = 3"),
        ("[models.m]\ninputs = 1\n", "did you mean input"),
        (
            '[models.m]\ninput = 1\noutput = 1\ntokens = "gemin"\ndate = "2026-01-01"\nsource = ["s"]\n',
            "unknown tokens 'gemin'",
        ),
    ],
)
def test_a_file_that_is_none_says_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=r"mine\.toml") as raised:
        read_prices(tmp_path / "mine.toml")
    assert told in str(raised.value)


def test_what_costs_something_is_never_shown_as_nothing() -> None:
    assert usd(Range(1e-9, 1e-9)) == "0.0001 USD"
    assert usd(Range(0, 0)) == "0.00 USD"
    assert usd(None) == "unknown"
    assert usd(Range(0.012, 1234.5)) == "0.0120–1,234.50 USD"


def test_a_report_says_what_each_role_cost_and_of_what_nobody_knows(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 750}  # 0.01 USD of gpt-4o
    calls = [
        ("gpt-4o", Purpose("target"), usage), ("gpt-4o", Purpose("jury", "a"), usage),
        ("gpt-4o", Purpose("jury"), usage),
        ("gpt-4o", Purpose("jury", "b"), {}), ("mine", Purpose("probe"), usage),
    ]  # fmt: skip
    with Store(tmp_path) as store:
        for number, (model, purpose, told) in enumerate(calls):
            asked = {"target": {"target": "openai", "argument": model}}
            store.keep_exchange(str(number), 1, purpose, asked, Response("answered", "yes", usage=told))
        costs = recorded_costs(store, PRICES)
    cent = Range(pytest.approx(0.01), pytest.approx(0.01))
    assert costs == [
        RoleCost("target", 1, 0, cent), RoleCost("jurors", 2, 1, cent), RoleCost("writer", 1, 0, cent),
        RoleCost("probe", 1, 1, Range()),
    ]  # fmt: skip
    assert cost_line(costs) == (
        "cost: target 0.0100 USD, jurors 0.0100 USD, writer 0.0100 USD; not known of 1 calls of jurors; not known of 1"
        " calls of probe"
    )


def test_what_cost_nothing_has_no_line() -> None:
    assert cost_line([RoleCost("target", 9, 0, Range())]) is None
