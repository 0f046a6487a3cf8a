"""A telephone line."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from converters.audio.effect import Effect, with_packages
from converters.audio.levels import to_length
from converters.recordings import Samples
from converters.text_to_speech.waveform import resample
from safebench.errors import ConversionError

BAND = (300.0, 3400.0)  # Hz; the voice band of ITU-T G.712
LINE_RATE = 8000  # Hz
RIPPLE = 0.5  # dB in the band; the filter runs twice, so 1 dB
STOP = 30.0  # dB beyond it; twice, so 60 dB


class Telephone(Effect):
    """300 to 3400 Hz at 8 kHz, companded to 8 bits by the mu-law of ITU-T G.711 and back, then to the clip's own rate.

    The filter has no delay (it runs forwards and backwards), so the clip stays aligned. Rates up to 8 kHz keep theirs.
    """

    name = "telephone"
    summary = "speech over a telephone line: 300-3400 Hz, 8 kHz, mu-law"
    version = with_packages("1", "scipy", "soxr")

    def apply(self, samples: Samples, rate: int, random: np.random.Generator) -> Samples:
        if rate < LINE_RATE:
            raise ConversionError(f"a line of {LINE_RATE} Hz cannot be told from a recording at {rate} Hz")
        line = resample(samples, rate, LINE_RATE)
        if not line.size:
            raise ConversionError(f"the clip has {len(samples)} samples, too few for a line of {LINE_RATE} Hz")
        return to_length(resample(mu_law(band_pass(line)), LINE_RATE, rate), len(samples))


def band_pass(line: Samples) -> Samples:
    """The voice band of a line at LINE_RATE."""
    from scipy.signal import ellip, sosfiltfilt

    filters = ellip(6, RIPPLE, STOP, BAND, "bandpass", fs=LINE_RATE, output="sos")
    padding = min(len(line) - 1, 800)
    return np.asarray(sosfiltfilt(filters, line, padlen=padding), dtype=np.float64)


def mu_law(samples: Samples) -> Samples:
    """Companded by G.711 and back, by libsndfile; what lies beyond full scale is clipped, as on a line."""
    file = io.BytesIO()
    pcm = np.round(np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16)
    soundfile.write(file, pcm, LINE_RATE, format="AU", subtype="ULAW")
    file.seek(0)
    return np.asarray(soundfile.read(file, dtype="float64")[0])
