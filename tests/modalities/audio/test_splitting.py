from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from modalities.audio import AudioModality
from modalities.audio.splitting import split
from safebench.plugins import Asking
from safebench.types import Media, Query, Text
from tests.media_files import clip_media

RATE = 16000


def speech(*words: float, pause: float = 0.2) -> Media:
    """Bursts of noise of these lengths in s, with a pause after each."""
    random = np.random.default_rng(1)
    parts = [np.r_[random.normal(scale=0.1, size=round(s * RATE)), np.zeros(round(pause * RATE))] for s in words]
    return clip_media(np.concatenate(parts))


def read(media: Media) -> np.ndarray:
    return soundfile.read(io.BytesIO(media.read()), dtype="int16")[0]


def test_a_short_clip_stays_the_very_same() -> None:
    media = speech(0.8)
    assert split(media, 1.0) == (media,)


@pytest.mark.parametrize("longest", [0.3, 1.0, 2.5])
def test_the_pieces_are_short_enough_and_joined_they_are_the_clip(longest: float) -> None:
    media = speech(0.7, 1.3, 0.4, 2.1, 0.6)
    pieces = [read(piece) for piece in split(media, longest)]
    assert max(piece.size for piece in pieces) <= longest * RATE
    assert min(piece.size for piece in pieces) > 0
    assert (np.concatenate(pieces) == read(media)).all()


def test_a_cut_falls_into_a_pause() -> None:
    for first in split(speech(0.7, 0.7, 0.7, 0.7), 1.2)[:-1]:
        assert np.abs(read(first)[-100:]).max() == 0


def test_the_message_has_the_pieces_in_order_after_the_written_part() -> None:
    media = speech(0.7, 0.7, 0.7, 0.7)
    layout = {"max_seconds_per_piece": 1.2}
    text, *pieces = AudioModality().compose(Asking(Query("q", "Hm?"), media, True, layout=layout))
    assert isinstance(text, Text)
    assert tuple(pieces) == split(media, 1.2)
    assert AudioModality().compose(Asking(Query("q", "Hm?"), media, False)) == (media,)
