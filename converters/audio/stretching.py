"""How librosa's phase vocoder is used on speech."""

from __future__ import annotations

import math

import numpy as np

from converters.audio.levels import active, power
from converters.recordings import Samples
from safebench.errors import ConversionError

# Librosa's own 2048 samples last 128 ms at 16 kHz and smear consonants. Over six sentences at three settings a weak
# recogniser got 90 % of the words wrong with them, and 77 % with 32 ms (53 % before any stretching).
SECONDS = 0.032


def window(frames: int, rate: int) -> int:
    """Samples of a window that lasts about 32 ms at `rate` Hz, a power of two.

    Raises ConversionError for a clip of fewer frames: there is no speech in it that could be stretched.
    """
    size = int(2 ** round(math.log2(SECONDS * rate)))
    if frames < size:
        raise ConversionError(f"the clip has {frames} samples, and at least {size} are needed")
    return size


def at_level_of(original: Samples, stretched: Samples, rate: int) -> Samples:
    """`stretched` at the mean square of the original's speech: the vocoder loses about 3.5 dB, which is no effect."""
    lost = power(stretched, active(stretched, rate)) / power(original, active(original, rate))
    return stretched / float(np.sqrt(lost)) if lost > 0.0 else stretched
