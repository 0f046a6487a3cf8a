"""How loud a clip is: integrated loudness and true peak, both after ITU-R BS.1770-4."""

from __future__ import annotations

import numpy as np

from converters.recordings import Samples

BLOCK = 0.4  # s; the standard's gating block, below which it defines no loudness
_OVERSAMPLING = 8  # the standard wants at least 4, which may read 0.7 dB too little; 8 at most 0.2 dB
_WINDOW, _EDGE = 1 << 14, 256  # samples interpolated at a time, a power of two; those at each end that only help
_RIESZ = 1.415  # √2, and a little for the rounding of 32 bits


def loudness(samples: Samples, rate: int) -> float:
    """Integrated loudness in LUFS, -inf where every block lies below the absolute gate of -70 LUFS.

    A clip shorter than one gating block is measured on itself, repeated up to a block: its loudness is that of its
    sound, however short. Padded with silence, a shorter clip would read softer and be made louder.
    """
    import pyloudnorm

    block = int(np.ceil(BLOCK * rate))
    measured = np.resize(samples, block) if samples.size < block else samples
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(pyloudnorm.Meter(rate).integrated_loudness(measured))


def true_peak(samples: Samples, above: float = 0.0) -> float:
    """The largest amplitude at and between the samples, by Fourier interpolation; 1.0 is full scale (0 dBTP).

    `above` saves the work where nothing exceeds it: it is what comes back then.
    """
    from scipy import signal

    piece, edge = _WINDOW - 2 * _EDGE, _OVERSAMPLING * _EDGE
    padded = np.pad(samples, (_EDGE, _EDGE + -samples.size % piece))
    peak = max(above, float(np.abs(padded).max()))
    for start in range(0, samples.size, piece):
        window = padded[start : start + _WINDOW]
        if _bound(window) > peak:
            between = signal.resample(window, _OVERSAMPLING * _WINDOW)[edge:-edge]
            peak = max(peak, float(np.abs(between).max()))
    return peak


def _bound(window: Samples) -> float:
    """What the interpolated window nowhere exceeds, found in a tenth of the time.

    Near its largest value M a sum of waves up to degree n is at least M cos(n t), t away (M. Riesz, 1914). Of twice as
    many samples one is always so near that this is M / √2.
    """
    from scipy import fft

    spectrum = fft.rfft(window.astype(np.float32))
    spectrum[-1] /= 2  # shared with its mirror image
    return _RIESZ * 2 * float(np.abs(fft.irfft(spectrum, 2 * _WINDOW)).max())
