from dataclasses import dataclass, field

import pytest

from converters.text_to_image.refinement import Critique, refine
from safebench.errors import ConversionError
from safebench.types import Media


@dataclass
class Scripted:
    """Roles whose critic says in turn what the test wants; a string is an error."""

    critiques: list[Critique | str]
    asked: list[str] = field(default_factory=list)

    def interpret(self):
        self.asked.append("interpret")
        return "first"

    def draw(self, prompt, round):
        self.asked.append(f"draw {prompt} {round}")
        return Media.of("image", "image/png", f"{prompt} {round}".encode())

    def look(self, prompt, picture):
        self.asked.append(f"look {picture.read().decode()}")
        said = self.critiques.pop(0)
        if isinstance(said, str):
            raise ConversionError(said)
        return said


def scored(score, matches=False, prompt=None):
    return Critique(f"{score}", score, matches, prompt)


def played(*critiques, rounds=3, enough=0.8):
    roles, drafts = Scripted(list(critiques)), []
    best, drawn = refine(roles, rounds, enough, drafts)
    return roles, best, drawn, drafts


def test_the_critics_prompt_is_drawn_next_and_every_round_is_kept():
    roles, best, drawn, drafts = played(scored(0.2, prompt="second"), scored(0.5), scored(0.6, prompt="never drawn"))
    assert roles.asked == [
        "interpret", "draw first 0", "look first 0", "draw second 1", "look second 1", "draw second 2", "look second 2"
    ]  # fmt: skip
    assert [(draft.prompt, draft.answer, draft.score) for draft in drafts] == [
        ("first", "0.2", 0.2), ("second", "0.5", 0.5), ("second", "0.6", 0.6)
    ]  # fmt: skip
    assert (best, drawn) == (drafts[2], 3)


def test_a_worse_later_round_does_not_win():
    _, best, _, drafts = played(scored(0.7), scored(0.3), scored(0.6))
    assert best is drafts[0]


def test_of_equal_rounds_the_earliest_wins():
    _, best, _, drafts = played(scored(0.4), scored(0.6), scored(0.6))
    assert best is drafts[1]


def test_a_round_that_cannot_be_read_never_wins_over_a_scored_one():
    _, best, _, drafts = played(Critique("nonsense"), scored(0.0), Critique("nonsense", matches=True))
    assert best is drafts[1]


@pytest.mark.parametrize(
    ("first", "rounds"),
    [
        (scored(0.8, matches=True), 1),
        (scored(0.79, matches=True), 2),
        (scored(1.0, matches=False), 2),
        (Critique("yes", matches=True), 2),
    ],
)
def test_only_a_picture_that_matches_and_scores_enough_ends_the_loop(first, rounds):
    assert played(first, scored(0.9), rounds=2)[2] == rounds


def test_no_score_at_all_is_no_picture():
    with pytest.raises(ConversionError, match=r"no score can be read.*the last one is 'nonsense'"):
        played(Critique("hm"), Critique("nonsense"), rounds=2)


def test_a_role_that_breaks_leaves_its_round_and_no_picture():
    roles, drafts = Scripted([scored(0.7), "the critic declined"]), []
    with pytest.raises(ConversionError, match="the critic declined"):
        refine(roles, 3, 0.8, drafts)
    assert [(draft.prompt, draft.media is not None, draft.score) for draft in drafts] == [
        ("first", True, 0.7), ("first", True, None)
    ]  # fmt: skip


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_the_calls_are_bounded(rounds):
    assert len(played(*[scored(0.1)] * rounds, rounds=rounds)[0].asked) == 1 + 2 * rounds
