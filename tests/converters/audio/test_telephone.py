import numpy as np
import pytest
from scipy.signal import correlate

from converters.audio.telephone import mu_law
from safebench.errors import ConversionError


@pytest.mark.parametrize("rate", [16000, 24000, 48000])
@pytest.mark.parametrize(
    ("frequency", "low", "high"),
    [(100, -120, -20), (180, -120, -20), (300, -3, 0.2), (1000, -1.2, 0.2), (3400, -3, 0.2), (5000, -120, -20)],
)
def test_only_the_voice_band_gets_through(through, sine, rate, frequency, low, high):
    tone = 0.5 * sine(1000, rate=rate)  # something to hear, where the other tone is cut
    alone = np.abs(np.fft.rfft(through("telephone", tone + sine(frequency, rate=rate), rate)))
    clean = np.abs(np.fft.rfft(tone + sine(frequency, rate=rate)))
    assert low < 20 * np.log10(alone[frequency] / clean[frequency]) < high


def test_the_clip_keeps_its_length_and_its_place(through, speech):
    heard = through("telephone", speech)
    assert len(heard) == len(speech)
    both = correlate(heard, speech, "full", "fft")
    assert both.argmax() - (len(speech) - 1) == pytest.approx(0, abs=1)


def test_companding_follows_g711_for_every_16_bit_value():
    """ITU-T G.711, mu-law: segment e and step m of |x| + 33 in 14 bits become 2^e (2 m + 33) - 33; here in 16 bits."""
    pcm = np.arange(-32767, 32768)
    biased = np.minimum(np.abs(pcm), 32635) + 132
    segment = np.floor(np.log2(biased)).astype(int) - 7
    step = (biased >> (segment + 3)) & 15
    expected = np.sign(pcm) * (4 * (2**segment * (2 * step + 33) - 33))
    assert expected[[0, -1]].tolist() == [-32124, 32124]  # the largest values of Table 2, 8031, in 16 bits
    assert np.array_equal(np.round(mu_law(pcm / 32767) * 32768), expected)


def test_companding_gives_38_db_over_a_wide_range_of_levels(sine):
    for level in (0.9, 0.3, 0.1, 0.03):
        tone = sine(1020, level=level, rate=8000)
        noise = mu_law(tone) - tone
        assert 33 < 10 * np.log10(np.square(tone).sum() / np.square(noise).sum()) < 42


def test_a_rate_below_the_lines_is_refused(through, sine):
    with pytest.raises(ConversionError, match=r"query 'q7': telephone: .*8000 Hz .* 6000 Hz"):
        through("telephone", sine(440, rate=6000), 6000)
