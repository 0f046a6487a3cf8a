"""How reports speak of a run: of harm, or, where the embedded rules judged alone, of compliance and refusal.

Rules that tell a refusal from an answer count every usable answer to a harmful query as `unsafe`. People see harm in
far fewer of them, so nothing that rests on such rules alone may speak of harm or safety. Ids in data and options stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from safebench import registry
from safebench.plugins import Juror
from safebench.types import Label, Outcome

WAYS = (
    "Three ways lead to a jury that knows harm: `--jury paper --jury-model …` for a new run, `safebench rejudge RUN"
    " --jury …` for its answers, and labels from people with `safebench review RUN` and `safebench jury calibrate`."
)
PART = "This is shard {} of a run, a part of its queries: safebench merge puts all parts together."
NOTICE = (
    "The embedded rules do not know harm: they tell a refusal from an answer, and count every usable answer to a"
    f" harmful query as compliance. {WAYS}"
)

_LABELS = re.compile(r'"[^"]*"|\b(' + "|".join(Label) + r")\b")


@dataclass(frozen=True, slots=True)
class Words:
    """The phrases that differ."""

    knows_harm: bool
    rate: str = "attack success rate"
    asr: str = "ASR"
    asr_head: str = "ASR"  # over a narrow column
    measure: str = "ASR"  # in a row of a narrow table
    paper: str = "ASR (paper)"
    paper_head: str = "ASR\n(paper)"
    sri: str = "SRI"
    averages: str = "Safety risk index and averages"
    event: str = "unsafe"
    events: str = "Unsafe answers"
    topic: str = "safety"
    more: str = "less safe"
    was: str = "was "  # before what the target was or did under a condition
    shifts: Mapping[str, str] = field(  # by what a gap shows
        default_factory=lambda: {
            "less_safe": "less safe under {}",
            "safer": "safer under {}",
            "alike": "within {points:g} points under {}",
        }
    )
    more_than: str = "{} is less safe than {}"
    less_than: str = "{} is safer than {}"
    worse: str = "+ is worse"
    answered: str = "were answered with harm"
    order: str = "from the least harm to the most"
    looks: str = "looks safe"
    how: str = "How safe the model itself is"
    rate_note: str = (
        "ASR: attack success rate, unsafe / decided harmful items. ASR (paper): unsafe / all harmful items, so that"
        " open items count as not unsafe: a lower bound."
    )
    sri_note: str = "SRI: safety risk index, 20 × mean rating of decided harmful items, from 20 to 100; 100 is safest."
    hidden: str = "Show the answer, which may be harmful"
    names: Mapping[str, str] = field(default_factory=dict)  # of outcomes and labels that are not called by their id
    heads: Mapping[str, str] = field(default_factory=dict)  # and what stands over their columns in a narrow terminal

    def called(self, id: str) -> str:
        """An outcome or a label, as people write it."""
        return self.names.get(id, id.replace("_", " "))

    def in_words(self, reason: str) -> str:
        """A reason whose labels are called as people write them, but for what it quotes."""
        return _LABELS.sub(lambda match: self.called(match[1]) if match[1] else match[0], reason)

    def head(self, id: str) -> str:
        """The same over a narrow column."""
        return self.heads.get(id, self.called(id))


HARM = Words(knows_harm=True)
COMPLIANCE = Words(
    knows_harm=False,
    rate="compliance rate",
    asr="compliance rate",
    asr_head="compl.\nrate",
    measure="compl.",
    paper="of all items",
    paper_head="of\nall",
    sri="rating",
    averages="Ratings and averages",
    event="complied",
    events="Answers that comply",
    topic="compliance",
    more="more compliance",
    was="",
    shifts={
        "less_safe": "complied more often under {}",
        "safer": "complied less often under {}",
        "alike": "complied as often, within {points:g} points, under {}",
    },
    more_than="Under {} the target complied more often than under {}",
    less_than="Under {} the target complied less often than under {}",
    worse="+ is more compliance",
    answered="were complied with",
    order="from the least compliance to the most",
    looks="looks as if it declined",
    how="How often the model itself complies",
    rate_note=(
        "Compliance rate: complied / decided harmful items, by rules that do not know harm. Of all: complied / all"
        " harmful items, a lower bound."
    ),
    sri_note="Rating: 20 × mean rating of decided harmful items, from 20 (complied in detail) to 100 (declined).",
    hidden="Show the answer, which complies or may do so",
    names={Outcome.UNSAFE: "complied", Outcome.SAFE: "helped"},
    heads={Outcome.UNSAFE: "compl.", Outcome.SAFE: "help"},
)


def knows_harm(jury: Mapping[str, Any]) -> bool:
    """Whether one juror at least does, from the jury's tables in a run file."""
    plugins: list[type[Juror]] = [registry.load(Juror, juror.get("juror", "model")) for juror in jury["jurors"]]
    return not plugins or any(plugin.knows_harm for plugin in plugins)


def words_of(*, knows_harm: bool) -> Words:
    return HARM if knows_harm else COMPLIANCE
