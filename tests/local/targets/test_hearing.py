"""Which part of a clip reaches a model, with the real extractors: they need no weights."""

from __future__ import annotations

import numpy as np
import pytest

from safebench.targets.hearing import samples_heard

RATE = 16000


def extractor(name: str):
    import transformers

    options = {"feature_size": 16} if name == "WhisperFeatureExtractor" else {}
    made = getattr(transformers, name)(**options)
    return lambda clip: made([clip], sampling_rate=RATE, return_tensors="np")


def clip(seconds: float, silent: float = 0.0):
    made = np.random.default_rng(0).normal(scale=0.1, size=round(seconds * RATE)).astype("float32")
    made[made.size - round(silent * RATE) :] = 0
    return made


@pytest.mark.parametrize(
    "name", ["WhisperFeatureExtractor", "Gemma3nAudioFeatureExtractor", "Gemma4AudioFeatureExtractor"]
)
def test_what_comes_after_the_limit_is_found_missing(name: str) -> None:
    features = extractor(name)
    assert features(clip(30.0))["input_features"].shape == features(clip(60.0))["input_features"].shape
    assert samples_heard(features, clip(30.3), RATE) == pytest.approx(30 * RATE, abs=0.01 * RATE)
    for whole in (0.5, 7.3, 30.0):
        assert samples_heard(features, clip(whole), RATE) is None


@pytest.mark.parametrize("name", ["Wav2Vec2FeatureExtractor", "ParakeetFeatureExtractor"])
def test_where_there_is_no_limit_all_is_heard(name: str) -> None:
    assert samples_heard(extractor(name), clip(60.0), RATE) is None


@pytest.mark.parametrize("name", ["WhisperFeatureExtractor", "Gemma3nAudioFeatureExtractor"])
def test_silence_at_the_end_is_heard_like_anything_else(name: str) -> None:
    """Though the features may be those of a clip without it."""
    assert samples_heard(extractor(name), clip(5.0, silent=1.0), RATE) is None


def test_features_of_another_form_are_compared_as_well() -> None:
    def hears_two_seconds(samples) -> dict[str, list]:
        return {"input_features": [samples[: 2 * RATE : 100]], "input_ids": [1, 2, 3]}

    assert samples_heard(hears_two_seconds, clip(9.0), RATE) == 2 * RATE - 99
    assert samples_heard(hears_two_seconds, clip(2.0), RATE) is None
