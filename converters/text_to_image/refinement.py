"""The refinement loop: interpret → draw → look → refine, at most N rounds (arXiv 2410.18927); the best round wins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from safebench.errors import ConversionError
from safebench.types import Draft, Media


@dataclass(frozen=True, slots=True)
class Critique:
    """What the critic said of a picture. What could not be read has no score."""

    answer: str  # in the critic's own words
    score: float | None = None  # 0 to 1
    matches: bool = False
    prompt: str | None = None  # a better one


class Roles(Protocol):
    """Whoever plays them. Each raises ConversionError when it declines or breaks."""

    def interpret(self) -> str:
        """The prompt of a picture that recalls the query."""

    def draw(self, prompt: str, round: int) -> Media:
        """A picture, another one in every round."""

    def look(self, prompt: str, picture: Media) -> Critique:
        """Whether the picture recalls the query, and how it would do so better."""


def refine(roles: Roles, rounds: int, enough: float, drafts: list[Draft]) -> tuple[Draft, int]:
    """The round with the highest score, of equal ones the earliest, and how many there were; 1 + 2 × `rounds` calls.

    The loop ends early with a picture that matches and scores `enough`. A round whose critique cannot be read has no
    score and never wins. Every round is added to `drafts`, also one that breaks.
    Raises ConversionError when a role declines or breaks, and when no round has a score.
    """
    prompt, tried = roles.interpret(), []
    for round in range(rounds):
        picture, seen = None, Critique("")
        try:
            picture = roles.draw(prompt, round)
            seen = roles.look(prompt, picture)
        finally:
            tried.append(Draft(prompt, seen.answer, picture, seen.score))
            drafts.append(tried[-1])
        if seen.matches and seen.score is not None and seen.score >= enough:
            break
        prompt = seen.prompt or prompt
    scored = [draft for draft in tried if draft.score is not None]
    if not scored:
        raise ConversionError(f"no score can be read in the critic's answers, the last one is {seen.answer[:200]!r}")
    return max(scored, key=lambda draft: draft.score or 0.0), len(tried)
