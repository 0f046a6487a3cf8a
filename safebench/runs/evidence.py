"""What a run's store shows of its conditions beside their verdicts (see `statistics.evidence`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from safebench.models.opening import answering_class, target_class
from safebench.statistics.answering import Help, help_in
from safebench.statistics.evidence import (
    ALONE,
    HELPED,
    NEEDLESS,
    DeliveredEvidence,
    Evidence,
    HelpedEvidence,
    RenderedEvidence,
    UnderstoodEvidence,
    evidence,
    helped_evidence,
    rendered_evidence,
    understood_evidence,
)
from safebench.statistics.funnel import Understanding, understanding
from safebench.statistics.observations import as_text
from safebench.statistics.precision import wilson
from safebench.store.items import answered_items, checked_renderings, conditions, probed_items, transcribed_items
from safebench.store.store import Store
from safebench.types import TEXT, Condition, Intent


def evidence_of(asked: Mapping[str, Any], store: Store) -> dict[str, Evidence]:
    """Of each condition that has items; `asked` is what the run file says."""
    plain = as_text(asked["conditions"])
    text = _sent(plain, store) if plain else _Sent(set(), help_in([]))
    return {
        name: evidence(
            Condition.parse(name).medium,
            _rendered(name, store),
            _delivered(name, store, asked["target"]),
            _understood(name, store),
            _helped(name, store, asked["repeats"], text if name == plain else _sent(name, store), text.help),
        )
        for name in conditions(store)
    }


def unaccepted(asked: Mapping[str, Any], store: Store) -> Iterator[str]:
    """A line for each condition of which nothing can be concluded, with the first reason and what would tell.

    None where `allow_unproven` accepts that, and none of a stand-in: nothing is said about a model there.
    """
    if asked.get("allow_unproven") or answering_class(asked["target"]).stand_in:
        return
    for name, known in evidence_of(asked, store).items():
        if not known.concludable:
            untried = _ways(Condition.parse(name).medium, known, asked.get("probe", 0.0))
            ways = " or ".join([*untried, "accept that with --allow-unproven"])
            yield f"{name} is not concludable: {known.reasons[0]}: {ways}"


def _ways(medium: str, known: Evidence, probed: float) -> Iterator[str]:
    """What would show that the queries arrived and were understood, of what was not tried."""
    if medium != TEXT and probed < 1 and known.understood.state != "missed":
        yield "probe it (--probe 1)"
    if known.helped.state == "not_asked":
        yield "ask harmless twins as well"
    if known.rendered.state == "not_shown":
        yield "have its renderings checked (--recogniser NAME)"


class _Sent(NamedTuple):
    """Benign items that were sent under a condition, by query and repeat, and the help with them."""

    items: set[tuple[str, int]]
    help: Help


def _sent(name: str, store: Store) -> _Sent:
    items = answered_items(store, name, Intent.BENIGN)
    return _Sent({(item.query, item.repeat) for item in items}, help_in(items))


def _helped(name: str, store: Store, repeats: int, sent: _Sent, text: Help) -> HelpedEvidence:
    """Held against the same queries as text, where these were asked."""
    asked, known = sent
    lost = len((text.helped & asked) - known.helped) - len(known.helped - text.helped) if text.of else 0
    empty = (known if asked else help_in(answered_items(store, name, Intent.HARMFUL))).empty
    least = HELPED if text.of or Condition.parse(name).medium == TEXT else ALONE
    return helped_evidence(
        len(known.helped), known.of, repeats, empty=empty, lost=lost, unjudged=known.unjudged, least=least
    )


def _rendered(name: str, store: Store) -> RenderedEvidence:
    """A control carries no query, and text is what it is."""
    passed, failed, unchecked, controls = checked_renderings(store, name)
    if Condition.parse(name).medium == TEXT or (controls and not passed + failed + unchecked):
        return RenderedEvidence(NEEDLESS, passed, failed, unchecked)
    return rendered_evidence(passed, failed, unchecked)


def _delivered(name: str, store: Store, target: str) -> DeliveredEvidence:
    medium, plugin = Condition.parse(name).medium, target_class(target)
    if medium == TEXT:
        return DeliveredEvidence(NEEDLESS, "text arrives as it is written")
    if plugin is not answering_class(target):
        heard, of = transcribed_items(store, name)
        return DeliveredEvidence("shown" if heard else "not_shown", f"a recogniser heard words in {heard} of {of}")
    if plugin.in_process:
        return DeliveredEvidence("shown", "the target reads media itself")
    found = next((one for one in store.deliveries() if one["medium"] == medium), None)
    if found is None:
        return DeliveredEvidence("not_shown", "no preflight was made")
    return DeliveredEvidence("shown" if found["state"] == "delivered" else "not_shown", found["reason"])


def _understood(name: str, store: Store) -> UnderstoodEvidence:
    """Of the harmful queries as well: theirs may be the media that do not arrive."""
    found, harmful = understanding(name, store), understanding(name, store, Intent.HARMFUL)
    if found is None:
        return understood_evidence(0, 0, 0, form=None)
    bounds = [_bounds(name, store, found)] + ([_bounds(name, store, harmful, Intent.HARMFUL)] if harmful else [])
    counts, withheld = (found.understood, found.missed, found.unknown), _withheld(name, store)
    understood = understood_evidence(*counts, *bounds, form=found.form, withheld=withheld)
    return replace(understood, rate=found.rate)  # as its form has it


def _bounds(name: str, store: Store, probes: Understanding, intent: Intent | None = None) -> list[float] | None:
    """What a target declines to repeat that it repeats as text may not have arrived."""
    withheld = _withheld(name, store, intent)
    if not withheld:
        return probes.ci95
    return wilson(probes.understood, probes.understood + probes.missed + withheld)


def _withheld(name: str, store: Store, intent: Intent | None = None) -> int:
    return sum(probe.withheld for probe in probed_items(store, name, intent))
