"""Whether a processor takes in the whole of a clip: many leave out what comes after some 30 s, and do not say so."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

TAIL = 0.1  # s: a clip whose last tenth of a second is taken in, if only in part, counts as heard to its end


def samples_heard(features: Callable[[Any], Mapping[str, Any]], clip: Any, rate: int) -> int | None:
    """How many samples of a clip, shape (samples,), go into its `features`; None for all, but for less than `TAIL`.

    A place counts as not heard where other sound from there to the end makes the same features. So it does not matter
    how a processor counts and pads, nor whether the clip ends in silence.
    """
    whole = features(clip)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, clip.size).astype(clip.dtype)

    def is_deaf_from(sample: int) -> bool:
        made = features(np.concatenate([clip[:sample], noise[sample:]]))
        return all(np.array_equal(np.asarray(whole[name]), np.asarray(made[name])) for name in whole)

    last = max(clip.size - round(TAIL * rate), 0)
    return bisect_left(range(last), True, key=is_deaf_from) if is_deaf_from(last) else None
