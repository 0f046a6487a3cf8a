"""Converters that run a model of torch, with tiny ones: what tests/converters/test_contracts.py asks of all others."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from safebench.testing.contracts import ConverterContract
from safebench.types import Media
from tests.converters.text_to_image.drawn import picture
from tests.local.tiny_clip import clip
from tests.local.tiny_diffusion import tiny_diffusion
from tests.local.tiny_models import coqui_vits, transformers_vits


class HeavyContract(ConverterContract):
    more: ClassVar[dict[str, Any]] = {}

    @staticmethod
    def build(folder: Path) -> Path:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return cls.build(tmp_path_factory.mktemp("model"))

    @pytest.fixture(autouse=True)
    def _model(self, model: Path) -> None:
        self.options = {"model": str(model), "device": "cpu", **self.more}


class TestCoqui(HeavyContract):
    name = "coqui"
    more: ClassVar[dict[str, Any]] = {"speaker": "anna"}
    build = staticmethod(coqui_vits)


class TestTransformersTts(HeavyContract):
    name = "transformers-tts"
    more: ClassVar[dict[str, Any]] = {"speaker": 0}
    build = staticmethod(transformers_vits)


class TestDiffusers(HeavyContract):
    name = "diffusers"
    more: ClassVar[dict[str, Any]] = {"steps": 2}
    build = staticmethod(tiny_diffusion)


class TestClipScore(HeavyContract):
    name = "clip-score"
    build = staticmethod(clip)

    @pytest.fixture
    def media(self) -> Media:
        return Media.of("image", "image/png", picture())
