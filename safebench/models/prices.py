"""What calls to models cost, by published prices (`data/prices.toml`) and the user's own before them.

Amounts are ranges in USD, from what it costs at least to what it costs at most; what is not known is None.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from safebench import registry
from safebench.errors import unknown
from safebench.files import read_toml
from safebench.models.opening import written_out
from safebench.plugins import PluginOptions, Target
from safebench.resources import load_toml
from safebench.store.exchanges import ToldCall, told_calls
from safebench.store.store import Store
from safebench.types import TEXT

SHIPPED = "prices.toml"
MILLION = 1_000_000
Ends = tuple[float, float]  # fewest and most


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`."""

    low: float = 0.0
    high: float = 0.0

    @classmethod
    def between(cls, a: float, b: float) -> Range:
        return cls(min(a, b), max(a, b))

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def times(self, low: float, high: float | None = None) -> Range:
        return Range(self.low * low, self.high * (low if high is None else high))

    def scaled(self, by: Range) -> Range:
        return self.times(by.low, by.high)

    def shown(self, digits: int = 0) -> str:
        """One number where both ends are shown alike."""
        low, high = f"{self.low:,.{digits}f}", f"{self.high:,.{digits}f}"
        return low if low == high else f"{low}–{high}"


class MediumTokens(PluginOptions):
    """How a provider counts one medium."""

    each: Ends | None = None
    per_second: float | None = None
    said_per_second: float | None = None


class MediumPrice(PluginOptions):
    """USD for a million tokens of a medium."""

    input: float = Field(ge=0)
    output: float | None = Field(None, ge=0)


class Price(PluginOptions):
    """Of one model; USD for a million tokens of text, and of media by name; or `each`: USD for one of a unit."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(None, ge=0)
    media: Mapping[str, MediumPrice] = {}
    each: Mapping[Literal["calls", "characters", "seconds"], Annotated[float, Field(ge=0)]] = {}
    tokens: str | None = None  # a table of `tokens`
    date: date
    source: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _not_by_tokens(cls, value: Any) -> Any:
        """What has a price for each unit is not paid for by tokens."""
        return {"input": 0, "output": 0, **value} if isinstance(value, dict) and value.get("each") else value


HERE = Price(input=0, output=0, date=date.min, source=("this machine",))


class Assumed(PluginOptions):
    """What nobody can know beforehand."""

    bytes_per_token: Ends
    characters_per_second: Ends
    answer: Ends
    ballot: Ends
    probe: Ends

    def tokens(self, size: float) -> Range:
        """Of a text of so many bytes."""
        fewest, most = self.bytes_per_token
        return Range(size / most, size / fewest)

    def seconds(self, characters: float) -> Range:
        """Of speech that says so many characters."""
        slowest, fastest = self.characters_per_second
        return Range(characters / fastest, characters / slowest)


class Prices(PluginOptions):
    """A file of prices."""

    free: tuple[str, ...]  # targets
    assumed: Assumed
    tokens: Mapping[str, Mapping[str, MediumTokens]]
    models: Mapping[str, Price]

    def of(self, spec: str) -> Price | None:
        """Of `NAME:ARGUMENT` or a model's short name, or of who answers behind its recognisers. None: not known."""
        name, _, model = (written_out(spec) if spec else "").partition(":")
        if name not in registry.names(Target):
            return None
        behind = registry.load(Target, name).behind(model)
        if behind:
            return self.of(behind)
        return HERE if name in self.free else self.models.get(model)

    def knows(self, spec: str, medium: str) -> bool:
        """Whether what it is sent of a medium has a price, where the model has one."""
        price = self.of(spec)
        return price is None or price is HERE or medium in (TEXT, *price.media) or self.reads_first(spec)

    def reads_first(self, spec: str) -> bool:
        """Whether recognisers stand before who answers, who is sent their text in place of media."""
        name, _, model = written_out(spec).partition(":")
        return registry.load(Target, name).behind(model) is not None

    def cost(self, spec: str, usage: Mapping[str, Any], media: Collection[str], status: str) -> Range | str:
        """Of one call; or why that is not known. `media`: those that were sent."""
        price = self.of(spec)
        if price is None:
            return "has no price"
        if status == "unheard":  # nobody was asked
            return Range()
        return cost_of(price, usage, () if self.reads_first(spec) else media)

    def cost_of_told(self, call: ToldCall) -> Range | str:
        """Of a recorded call; or why that is not known."""
        return self.cost(call.model or "", call.usage, [*filter(call.sent, registry.media())], call.status)

    def tokens_of(self, price: Price, medium: str) -> MediumTokens:
        """How a medium counts; nothing is in it where nobody says."""
        return self.tokens.get(price.tokens or "", {}).get(medium, MediumTokens())


def read_prices(file: Path | str | None = None) -> Prices:
    """The shipped prices, and those of the user's file before them. Raises BadInput for a file that is none."""
    shipped = load_toml(SHIPPED)
    where, own = (SHIPPED, {}) if file is None else (str(file), read_toml(Path(file)))
    tables = {key: own.get(key, {}) for key in ("assumed", "tokens", "models")}
    merged = {key: {**shipped[key], **table} if isinstance(table, dict) else table for key, table in tables.items()}
    known = [*Price.model_fields, *MediumTokens.model_fields, *Assumed.model_fields]
    prices = registry.validated(Prices, where, {**shipped, **own, **merged}, known)
    for price in prices.models.values():
        if price.tokens is not None and price.tokens not in prices.tokens:
            raise unknown("tokens", price.tokens, prices.tokens, where)
    return prices


def cost_of(price: Price, usage: Mapping[str, Any], media: Collection[str]) -> Range | str:
    """Of one call, by the tokens that it told; or why that is not known: it told none, or a medium has no price.

    `media`: those that were sent. Where nobody says how many of the tokens are theirs, all or none may be.
    """
    if price is HERE:
        return Range()
    if price.each:
        return _by_unit(price, usage)
    sent, answered = prompt_tokens(usage), answer_tokens(usage)
    if sent is None or answered is None:
        return "told no tokens"
    answered = max(answered, (token_count(usage, "total_tokens") or 0) - sent)  # thinking may be in the total alone
    details, said = _details(usage, SENT), _details(usage, ANSWERED)
    cached = token_count(details, "cached_tokens") or 0
    saved = 0.0 if price.cached_input is None else cached * (price.input - price.cached_input)
    text = sent * price.input - saved + answered * price.output
    cost = Range(text, text)
    for medium in sorted({*registry.media()} - {TEXT}):
        counted, spoken = token_count(details, f"{medium}_tokens"), token_count(said, f"{medium}_tokens") or 0
        if medium not in media and not counted and not spoken:
            continue
        own = price.media.get(medium)
        if own is None or (spoken and own.output is None):
            return f"has no price for {medium}"
        few, many = (0, sent) if counted is None and medium in media else (counted or 0, counted or 0)
        dearer = own.input - price.input, spoken * ((own.output or 0.0) - price.output)
        cost += Range.between(few * dearer[0], many * dearer[0]) + Range(dearer[1], dearer[1])
    return cost.times(1 / MILLION)


def _by_unit(price: Price, usage: Mapping[str, Any]) -> Range | str:
    total = 0.0
    for unit, dear in price.each.items():
        count = 1 if unit == "calls" else usage.get(unit)
        if not isinstance(count, int | float) or isinstance(count, bool) or count < 0:
            return f"told no {unit}"
        total += dear * count
    return Range(total, total)


@dataclass(frozen=True, slots=True)
class RoleCost:
    """What the calls of one role cost, as far as that is known: of `unknown` of the calls it is not."""

    role: str
    calls: int
    unknown: int
    cost: Range


def recorded_costs(store: Store, prices: Prices) -> list[RoleCost]:
    """Of target, probe, media, jurors and writer, by what their calls told."""
    costs: dict[str, RoleCost] = {}
    for call in told_calls(store):
        role = call.role if call.role != "jury" else "jurors" if call.juror else "writer"
        before = costs.get(role, RoleCost(role, 0, 0, Range()))
        cost = prices.cost_of_told(call)
        known = cost if isinstance(cost, Range) else None
        costs[role] = RoleCost(
            role, before.calls + 1, before.unknown + (known is None), before.cost + (known or Range())
        )
    return [*costs.values()]


def cost_line(costs: Iterable[RoleCost]) -> str | None:
    """What each role cost; None where nothing was paid for."""
    known = [f"{one.role} {usd(one.cost)}" for one in costs if one.unknown < one.calls]
    unknown = [f"{one.unknown} calls of {one.role}" for one in costs if one.unknown]
    if not unknown and not any(one.cost.high for one in costs):
        return None
    return "; ".join([f"cost: {', '.join(known)}" if known else "cost", *(f"not known of {one}" for one in unknown)])


SENT, ANSWERED = ("prompt", "input"), ("completion", "output")  # what providers call these tokens
CACHED = (  # which `input_tokens` leave out
    *("cache_read_input_tokens", "cache_creation_input_tokens"),
    *("input_tokens_cache_read", "input_tokens_cache_write"),
)


def prompt_tokens(usage: Mapping[str, Any]) -> int | None:
    """Of what was sent, with what was cached; None where it was not told."""
    sent = token_count(usage, "prompt_tokens")
    if sent is None and (sent := token_count(usage, "input_tokens")) is not None:
        sent += sum(token_count(usage, name) or 0 for name in CACHED)
    return sent


def answer_tokens(usage: Mapping[str, Any]) -> int | None:
    counts = (token_count(usage, f"{name}_tokens") for name in ANSWERED)
    return next((count for count in counts if count is not None), None)


def total_tokens(usage: Mapping[str, Any]) -> int:
    """The total that was told, or what was sent and answered together: local models tell no total."""
    total = token_count(usage, "total_tokens")
    return (prompt_tokens(usage) or 0) + (answer_tokens(usage) or 0) if total is None else total


def _details(usage: Mapping[str, Any], names: Sequence[str]) -> Any:
    keys = (f"{name}_{tokens}_details" for name in names for tokens in ("tokens", "token"))
    return next((usage[key] for key in keys if key in usage), None)


def token_count(usage: Any, name: str) -> int | None:
    """A number of tokens; None where none was told: servers call anything their usage."""
    count = usage.get(name) if isinstance(usage, Mapping) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None


def usd(cost: Range | None) -> str:
    """As it is shown; one amount where both ends are shown alike."""
    if cost is None:
        return "unknown"
    low, high = (_amount(end) for end in (cost.low, cost.high))
    return f"{low} USD" if low == high else f"{low}–{high} USD"


def _amount(value: float) -> str:
    """Nothing that costs is shown as nothing."""
    if 0 < value < 0.0001:
        return "0.0001"
    return f"{value:,.2f}" if value >= 0.1 or value == 0 else f"{value:.4f}"


# --- beforehand


@dataclass(frozen=True, slots=True)
class RoleEstimate:
    """What one role costs under one condition, or in one stage of generating. `model`: its NAME:ARGUMENT; `tokens`:
    sent and answered; `seconds`: of speech that is sent. None for tokens and cost where they are not known; `unpriced`:
    the medium for which the model has no price, where it has one for text.
    """

    condition: str
    role: str
    model: str
    calls: Range
    tokens: Range | None
    seconds: Range
    cost: Range | None
    unpriced: str | None = None

    @property
    def lacking(self) -> str:
        """What has no price."""
        return self.model if self.unpriced is None else f"{self.model} for {self.unpriced}"


def in_text(
    prices: Prices, condition: str, role: str, model: str, calls: Range, sent: Range, answer: Range
) -> RoleEstimate:
    """Of calls that send and answer text alone: so many tokens each."""
    price, cost = prices.of(model), None
    if price is not None and not price.each:
        cost = (sent.times(price.input) + answer.times(price.output)).times(1 / MILLION).scaled(calls)
    return RoleEstimate(condition, role, model, calls, (sent + answer).scaled(calls), Range(), cost)


def estimate_line(rows: Iterable[RoleEstimate]) -> str:
    """The sum of all, in a line."""
    rows = [*rows]
    tokens = None if any(one.tokens is None for one in rows) else total(one.tokens for one in rows)
    counts = [f"{total(one.calls for one in rows).shown()} calls", f"{tokens.shown() if tokens else 'unknown'} tokens"]
    seconds = total(one.seconds for one in rows)
    counts += [f"{seconds.times(1 / 60).shown(1)} min of speech"] if seconds.high else []
    return f"estimate: {', '.join(counts)}, {_priced(rows)}"


def _priced(rows: Sequence[RoleEstimate]) -> str:
    known = total(one.cost for one in rows)
    lacking = sorted({one.lacking for one in rows if one.cost is None and one.calls.high})
    if not lacking:
        return usd(known)
    more = f"{usd(known)} and " if known.high else ""
    return f"{more}what is not known: the price of {', '.join(lacking)} (--prices)"


def total(ranges: Iterable[Range | None]) -> Range:
    """Of those that are known."""
    return sum((one for one in ranges if one is not None), Range())
