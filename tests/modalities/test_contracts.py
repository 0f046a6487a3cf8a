"""Our own modalities keep what third parties' ones have to keep."""

from __future__ import annotations

import pytest

from safebench.plugins import PLACE, Asking
from safebench.rendering.recipes import Recipe
from safebench.testing.contracts import ASKED, BROKEN, OTHER, ModalityContract
from safebench.types import Media, Text


class TestImage(ModalityContract):
    name = "image"


class TestAudio(ModalityContract):
    name = "audio"

    @pytest.fixture(autouse=True)
    def _key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Voices of an endpoint are set up with a key; nobody is called."""
        monkeypatch.setenv("OPENAI_API_KEY", "none")


class TestText(ModalityContract):
    """Text is not read back: it is what it is, and stands in the message itself. What differs by that is said here."""

    name = "text"

    @classmethod
    def _default(cls) -> Recipe:
        steps = [{"use": "template", "text": "Tell me, please: {query}"}]
        recipe = Recipe.model_validate({"medium": "text", "name": "contract", "description": "x", "steps": steps})
        recipe.check()
        return recipe

    @pytest.mark.parametrize(("name", "status"), [("text", "passed"), *((b, "failed") for b in BROKEN if b != "text")])
    def test_broken_media_fail_whatever_a_recogniser_says(self, media: Media, name: str, status: str) -> None:
        assert self._check(Media.of("text", media.mime, BROKEN[name]), ASKED.text).status == status

    def test_a_file_that_was_cut_off_never_passes_whatever_is_read(self, media: Media) -> None:
        cut = Media.of("text", media.mime, "wie geht’s?".encode()[:9])  # in the middle of a character
        assert self._check(cut, ASKED.text).status == "failed"
        with pytest.raises(ValueError, match="UTF-8"):
            self.modality().check_whole(cut)

    def test_what_is_read_as_something_else_never_passes(self, media: Media) -> None:
        """Nobody is asked to read it."""
        assert self._check(media, OTHER.text).status == "passed"

    test_a_gate_without_limits_never_passes = None
    test_without_its_recogniser_it_never_passes = None

    def test_alone_the_query_is_only_in_the_media(self, media: Media) -> None:
        parts = self.modality().compose(Asking(ASKED, media, with_text=False))
        assert parts == (Text(f"Tell me, please: {ASKED.text}"),)

    def test_with_text_something_is_written_beside_the_media(self, media: Media) -> None:
        assert self.modality().compose(Asking(ASKED, media, with_text=True)) == (Text(media.read().decode()),)

    def test_what_a_run_says_is_written_goes_before_its_own(self, media: Media) -> None:
        """Around what was made of the query."""
        parts = self.modality().compose(Asking(ASKED, media, with_text=False, wording=f"So: {PLACE} Thanks."))
        assert parts == (Text(f"So: Tell me, please: {ASKED.text} Thanks."),)

    def test_nothing_is_asked_without_media(self) -> None:
        """The query itself is."""
        assert self.modality().compose(Asking(ASKED, None, with_text=False)) == (Text(ASKED.text),)
