"""Our own modalities keep what third parties' ones have to keep."""

from __future__ import annotations

import pytest

from safebench.testing.contracts import ModalityContract


class TestImage(ModalityContract):
    name = "image"


class TestAudio(ModalityContract):
    name = "audio"

    @pytest.fixture(autouse=True)
    def _key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Voices of an endpoint are set up with a key; nobody is called."""
        monkeypatch.setenv("OPENAI_API_KEY", "none")
