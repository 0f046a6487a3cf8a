import shutil

import numpy as np
import pytest
import soundfile
from scipy.signal import welch

from converters.audio.noise import Noise, pink
from safebench import registry
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Converter, Work
from safebench.types import Query


@pytest.fixture
def burst(sine):
    """A tone of 1 s between silences of 0.5 s: what is active is known without our detector."""
    return np.concatenate([np.zeros(8000), sine(440, 1.0, level=0.05), np.zeros(8000)])


@pytest.fixture
def hum(tmp_path, sine):
    soundfile.write(tmp_path / "hum.wav", sine(100, 0.3), 16000)
    return tmp_path / "hum.wav"


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 10.0, 25.0])
@pytest.mark.parametrize("source", ["white", "pink", "babble", "file"])
def test_the_ratio_over_the_speech_is_the_one_asked_for(through, burst, hum, source, snr_db):
    options = {"file": str(hum)} if source == "file" else {}
    noise = through("noise", burst, source=source, snr_db=snr_db, **options) - burst
    speech = slice(8000, 24000)
    measured = 10 * np.log10(np.square(burst[speech]).sum() / np.square(noise[speech]).sum())
    assert measured == pytest.approx(snr_db, abs=0.1)


def test_the_ratio_survives_the_limit_on_the_peak(through, burst):
    loud = through("noise", 19 * burst, snr_db=5.0)
    # the tone's share by projection, as the whole clip was scaled down
    tone = burst * (loud @ burst) / (burst @ burst)
    ratio = np.square(tone[8000:24000]).sum() / np.square((loud - tone)[8000:24000]).sum()
    assert 10 * np.log10(ratio) == pytest.approx(5.0, abs=0.1)


def test_the_noise_runs_through_the_pauses_too(through, burst):
    noisy = through("noise", burst, snr_db=10.0)
    assert noisy[:8000].std() == pytest.approx(noisy[24000:].std(), rel=0.05)
    assert noisy[:8000].std() > 0.005


@pytest.mark.parametrize(("source", "slope"), [("white", 0.0), ("pink", -3.01)])
def test_the_spectrum_falls_by_3_db_an_octave_where_the_noise_is_pink(through, burst, source, slope):
    noise = through("noise", np.tile(burst, 5), source=source, snr_db=0.0) - np.tile(burst, 5)
    frequencies, density = welch(noise, 16000, nperseg=2048)
    band = (frequencies > 60) & (frequencies < 6000)
    assert np.polyfit(np.log2(frequencies[band]), 10 * np.log10(density[band]), 1)[0] == pytest.approx(slope, abs=0.3)


@pytest.mark.parametrize("frames", [1, 2, 3, 1000, 1001])
def test_pink_noise_has_any_length(frames):
    made = pink(np.zeros(frames), 16000, np.random.default_rng(0))
    assert made.shape == (frames,)
    assert np.isfinite(made).all()


def test_a_short_recording_goes_on_in_a_loop(through, burst, hum):
    noise = through("noise", burst, source="file", file=str(hum), snr_db=0.0) - burst
    assert np.abs(np.fft.rfft(noise)).argmax() * 16000 / len(noise) == pytest.approx(100, abs=1)
    assert noise[-2000:].std() == pytest.approx(noise[:2000].std(), rel=0.1)


def test_a_recording_counts_by_its_content_and_not_by_its_place(wav, burst, hum, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(hum, tmp_path / "elsewhere" / "same.wav")
    made = Work(Query("q", ""), "", wav(burst))
    options = [{"source": "file", "file": str(path)} for path in (hum, tmp_path / "elsewhere" / "same.wav")]
    here, there = (registry.create(Converter, "noise", "test", **o).convert(made) for o in options)
    assert here.sha256 == there.sha256


def test_a_recording_that_is_silent_behind_the_speech_is_refused(through, sine, tmp_path):
    gap = np.zeros(64000)
    gap[0] = 0.5
    soundfile.write(tmp_path / "gap.wav", gap, 16000)
    with pytest.raises(ConversionError, match="query 'q7': noise: the noise is silent wherever there is speech"):
        through("noise", sine(440, 0.1), source="file", file=str(tmp_path / "gap.wav"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "file"}, "needs the option `file`"),
        ({"file": "hum.wav"}, "no other source takes it"),
        ({"folder": "."}, "`folder` is for source"),
        ({"source": "brown"}, "'white', 'pink', 'babble' or 'file'"),
        ({"snr": 3.0}, "unknown key 'snr' .*did you mean snr_db"),
        ({"snr_db": float("nan")}, "snr_db"),
        ({"source": "file", "file": "gone.wav"}, "gone.wav': there is no such file"),
        ({"source": "babble", "folder": "gone"}, "gone': there is no such folder"),
    ],
)
def test_contradictions_and_missing_files_are_found_before_any_work(options, message):
    with pytest.raises(BadInput, match=message):
        registry.create(Converter, "noise", "recipe audio.cafe", **options)


def test_the_version_names_the_package_that_draws_the_numbers():
    assert f"numpy {np.__version__}" in Noise.version
