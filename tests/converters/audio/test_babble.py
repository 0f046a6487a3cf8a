import numpy as np
import pytest
import soundfile

from converters.audio import babble


def test_a_folder_of_clips_becomes_many_voices(through, speech, sine, tmp_path):
    for frequency in (1000, 2000, 3000):
        soundfile.write(tmp_path / f"{frequency}.wav", sine(frequency, 0.7), 16000)
    noise = through("noise", speech, source="babble", folder=str(tmp_path), voices=24, snr_db=0.0) - speech
    spectrum = np.square(np.abs(np.fft.rfft(noise)))
    shares = [spectrum[round(2 * 0.85 * f) - 2 : round(2 * 1.15 * f) + 2].sum() / spectrum.sum() for f in (1000, 2000)]
    assert min(shares) > 0.1  # 2 s, so 2 bins a hertz: each clip is heard, its speed altered by up to 15 %


def test_each_voice_is_as_loud_as_the_others(sine):
    clips = [sine(300, level=0.9), sine(2500, level=0.01)]
    total = babble.of_clips(clips, 32000, 32, 16000, np.random.default_rng(3))
    spectrum = np.square(np.abs(np.fft.rfft(total)))
    assert spectrum[:2000].sum() == pytest.approx(spectrum[2000:].sum(), rel=1.0)


def test_a_clips_own_babble_has_its_spectrum_and_not_its_course(speech):
    made = babble.of_itself(speech, 6, 16000, np.random.default_rng(0))
    assert made.shape == speech.shape
    low = [np.square(np.abs(np.fft.rfft(clip)))[:2000].sum() / np.square(clip).sum() for clip in (speech, made)]
    assert low[1] == pytest.approx(low[0], rel=0.15)
    assert abs(np.corrcoef(speech, made)[0, 1]) < 0.2
    assert made[:4000].std() > 0.2 * made.std()  # the pauses at the ends are filled


def test_a_clips_own_babble_runs_backwards():
    rising = np.arange(32000) % 3200 / 3200 + 0.1  # rises slowly, falls at once; backwards it is the other way round
    made = babble.of_itself(rising, 1, 16000, np.random.default_rng(0))
    assert np.mean(np.diff(made) < 0) > 0.8


def test_a_loop_is_as_long_as_wanted_and_starts_anywhere():
    starts = {babble.loop(np.arange(5.0), 12, np.random.default_rng(seed))[0] for seed in range(40)}
    assert starts == {0, 1, 2, 3, 4}
    assert list(babble.loop(np.arange(3.0), 7, np.random.default_rng(0)) % 3)[:3] == list(
        babble.loop(np.arange(3.0), 7, np.random.default_rng(0))[3:6]
    )
