"""What a run will ask of whom, and what that costs, as ranges, before anything is asked.

Texts are counted by their length and media by their providers' published rules; what nobody can know beforehand, such
as the length of an answer, is assumed (`data/prices.toml`). Ballots that are asked for again, retries and what is tried
before the first item are not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from safebench import registry
from safebench.jury.protocol import jury_rows
from safebench.models.asking import spec_of
from safebench.models.prices import HERE, MILLION, Price, Prices, Range, RoleEstimate
from safebench.plugins import Modality, Target
from safebench.rendering.estimating import add_reading, calls_to_render, estimate_media
from safebench.runs.plan import RunPlan
from safebench.types import TEXT, Condition

NOTHING = Range()


@dataclass(frozen=True, slots=True)
class Sent:
    """What one call takes on average: tokens of text sent and answered, and a medium."""

    text: Range
    answer: Range
    medium: str = TEXT
    seconds: Range = NOTHING
    may_speak: bool = False


def estimate(plan: RunPlan, prices: Prices, pending: Mapping[str, int] | None = None) -> list[RoleEstimate]:
    """By condition and role. `pending`: items by condition that have no outcome yet, where some have one."""
    estimator = _Estimator(plan, prices)
    conditions = [condition for condition in plan.data.conditions if condition not in plan.asking.skipped]
    whole = plan.items_per_condition()
    counted = {one: whole if pending is None else pending.get(str(one), 0) for one in conditions}
    return [one for condition, items in counted.items() for one in estimator.condition(condition, items)]


class _Estimator:
    def __init__(self, plan: RunPlan, prices: Prices) -> None:
        self._plan, self._prices, self._assumed = plan, prices, prices.assumed

    def condition(self, condition: Condition, items: int) -> Iterator[RoleEstimate]:
        plan, target = self._plan, self._plan.asking.target
        once = Range(items, items)
        sent = self._sent(condition)
        yield self._role(condition, "target", target, once, sent)
        if self._is_rendered(condition) and plan.config.probe:
            probed = once.times(plan.config.probe).times(1, 2)  # and the controls
            yield self._role(condition, "probe", target, probed, replace(sent, answer=Range(*self._assumed.probe)))
        yield from self._media_models(condition, items, spoken=sent.may_speak)
        verdicts = once.times(1, 2 if sent.may_speak else 1)  # a spoken answer may be judged twice
        yield from jury_rows(plan.asking.jury, self._prices, str(condition), verdicts, self._query + sent.answer)

    def _media_models(self, condition: Condition, items: int, *, spoken: bool) -> Iterable[RoleEstimate]:
        """Those that render, refine, read back and transcribe: a query once, however often it is asked."""
        plan, once = self._plan, Range(items, items).times(1 / self._plan.config.repeats)
        assignment = plan.rendering.assignments.get(condition)
        rendered = {(recipe.medium, recipe.name) for recipe in plan.rendering.to_render}
        recipes = [one for one in (assignment.recipes if assignment else ()) if (one.medium, one.name) in rendered]
        readers = plan.rendering.settings.recognisers
        reader = readers.get(condition.medium) if assignment else None
        calls = calls_to_render(recipes, reader, plan.config.check_share, once)
        if assignment:
            add_reading(calls, plan.asking.target.recognisers.get(condition.medium), Range(items, items))
        for spec in readers.values() if spoken else ():
            add_reading(calls, spec, Range(0, items))
        return estimate_media(str(condition), calls, self._prices, self._characters)

    def _is_rendered(self, condition: Condition) -> bool:
        return condition in self._plan.rendering.assignments and condition.medium != TEXT

    def _sent(self, condition: Condition) -> Sent:
        rendered = self._is_rendered(condition)
        if rendered and self._prices.reads_first(spec_of(self._plan.asking.target)):
            return Sent(self._query.times(1, 2 if condition.with_text else 1), self._answer())  # what was read
        price = self._price(self._plan.asking.target)
        speaks = price is not None and any(own.output is not None for own in price.media.values())
        text = self._query if not rendered or condition.with_text else Range(0, self._query.high)
        text += self._wording(condition)
        answer = self._answer()
        if not rendered:
            return Sent(text, answer, may_speak=speaks)
        seconds = self._assumed.seconds(self._characters) if _lasts(condition.medium) else Range()
        return Sent(text, answer, condition.medium, seconds, speaks)

    def _wording(self, condition: Condition) -> Range:
        """Tokens of what a wording writes around the query or beside it."""
        texts = [carrier.text for one, _, carrier in self._plan.data.carriers() if one == condition and one.wording]
        return self._assumed.tokens(max((len(text.encode()) for text in texts), default=0))

    def _answer(self) -> Range:
        """Tokens of an answer: what is assumed, or fewer where the user limits them."""
        target, (fewest, most) = self._plan.asking.target, self._assumed.answer
        options = {**target.setup.options, **target.setup.options.get("parameters", {})}
        limit = options.get(target.length_option)
        most = min(most, limit) if isinstance(limit, int) else most
        return Range(min(fewest, most), most)

    @cached_property
    def _query(self) -> Range:
        """Tokens of a query, on average."""
        texts = [query.text for query in self._plan.data.queries]
        return self._assumed.tokens(sum(len(text.encode("utf-8", "replace")) for text in texts) / len(texts))

    @cached_property
    def _characters(self) -> float:
        texts = [query.text for query in self._plan.data.queries]
        return sum(map(len, texts)) / len(texts)

    def _price(self, target: Target) -> Price | None:
        return self._prices.of(spec_of(target))

    def _role(self, condition: Condition, role: str, target: Target, calls: Range, sent: Sent) -> RoleEstimate:
        price = self._price(target)
        media = self._media(price, sent)
        tokens = None if media is None else sent.text + sent.answer + media
        cost = self._cost(price, sent, media) if price else None
        return RoleEstimate(
            str(condition), role, spec_of(target), calls,
            tokens and tokens.scaled(calls), sent.seconds.scaled(calls), cost and cost.scaled(calls),
            sent.medium if price and cost is None and sent.medium != TEXT else None,
        )  # fmt: skip

    def _media(self, price: Price | None, sent: Sent) -> Range | None:
        """Tokens of the medium that is sent; None where nobody says how it counts."""
        if sent.medium == TEXT:
            return Range()
        if price is None:
            return None
        rule = self._prices.tokens_of(price, sent.medium)
        if rule.each is not None:
            return Range(*rule.each)
        return sent.seconds.times(rule.per_second) if rule.per_second and sent.seconds.high else None

    def _cost(self, price: Price, sent: Sent, media: Range | None) -> Range | None:
        if price is HERE:
            return Range()
        own = price.media.get(sent.medium)
        if price.each or media is None or (sent.medium != TEXT and own is None):
            return None
        spoken = sum(self._spoken(price, medium, sent) for medium in price.media) if sent.may_speak else 0.0
        parts = sent.text.times(price.input) + sent.answer.times(price.output) + Range(0, spoken)
        return (parts + media.times(own.input if own else 0)).times(1 / MILLION)

    def _spoken(self, price: Price, medium: str, sent: Sent) -> float:
        """The most that an answer costs where it is spoken, beside its text."""
        own, rule = price.media[medium], self._prices.tokens_of(price, medium)
        seconds = self._assumed.seconds(sent.answer.high * self._assumed.bytes_per_token[1]).high
        return seconds * (rule.said_per_second or 0) * (own.output or 0)


def _lasts(medium: str) -> bool:
    return type(registry.modality(medium)).seconds is not Modality.seconds
