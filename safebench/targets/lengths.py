"""Clips longer than what an endpoint's model hears: many leave out what comes after some 30 s, and do not say so."""

from __future__ import annotations

from safebench import registry
from safebench.types import Media, Request

AUDIO = "audio"
USUAL = 30.0  # s that many models hear; what goes beyond is worth a word where no limit is known


def longest_clip(request: Request) -> float:
    """In s; 0 where there is none, or none whose length can be told."""
    parts = (part for message in request.messages for part in message.parts)
    clips = {part.sha256: part for part in parts if isinstance(part, Media) and part.medium == AUDIO}
    return max((registry.modality(AUDIO).seconds(clip) or 0.0 for clip in clips.values()), default=0.0)


def too_long(seconds: float, limit: float) -> str:
    """Why a clip is not sent, and what can be done."""
    return (
        f"the clip lasts {seconds:.1f} s and max_audio_seconds is {limit:g}: shorten it, or send it in pieces"
        f" (layout: max_seconds_per_piece = {limit:g})"
    )


def no_limit_known(target: str) -> str:
    """For clips longer than USUAL, where no limit is known."""
    return (
        f"{target} is sent clips longer than {USUAL:g} s, and many models hear only the beginning: give its limit as"
        " max_audio_seconds in the target's options, or send clips in pieces (layout: max_seconds_per_piece = 30)"
    )


def long_clips(count: int) -> str:
    """For clips longer than USUAL that were made, before anybody is asked."""
    clips = "1 clip lasts" if count == 1 else f"{count} clips last"
    return (
        f"{clips} longer than {USUAL:g} s, and many models hear only the beginning: shorten the text, or send clips in"
        f" pieces (layout: max_seconds_per_piece = {USUAL:g})"
    )
