import importlib.util
import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.signal import resample

from converters.audio.echo import Echo
from converters.audio.effect import Effect
from converters.audio.volume import Volume
from safebench import registry
from safebench.errors import ConversionError
from safebench.plugins import Converter, Work
from safebench.rendering.chain import RenderJob, render
from safebench.rendering.recipes import Recipe
from safebench.types import Media, Query
from tests.media_files import recorded

ROOT = Path(__file__).parents[3]
NAMES = ["noise", "reverberation", "echo", "speed", "pitch", "volume", "clipping", "telephone", "codec"]


def floats(low, high):
    return st.floats(low, high, allow_nan=False)


OPTIONS = {
    "noise": st.fixed_dictionaries(
        {
            "source": st.sampled_from(["white", "pink", "babble"]),
            "snr_db": floats(-30, 60),
            "voices": st.integers(1, 8),
        }
    ),
    "reverberation": st.fixed_dictionaries({"rt60": floats(0.05, 2), "wet": floats(0.01, 1)}),
    "echo": st.fixed_dictionaries(
        {"delay": floats(0.001, 0.5), "gain_db": floats(-60, 0), "repeats": st.integers(1, 5)}
    ),
    "speed": st.fixed_dictionaries({"factor": floats(0.25, 4), "resampled": st.just(True)}),
    "volume": st.fixed_dictionaries({"gain_db": floats(-30, 60)}),
    "clipping": st.fixed_dictionaries({"share": floats(0.001, 0.5)})
    | st.fixed_dictionaries({"below_peak_db": floats(0.1, 30)}),
    "telephone": st.just({}),
    "codec": st.fixed_dictionaries({"format": st.sampled_from(["mp3", "opus"]), "kbps": st.integers(6, 320)}),
}
if importlib.util.find_spec("librosa"):
    OPTIONS["speed"] = st.fixed_dictionaries({"factor": floats(0.25, 4), "resampled": st.booleans()})
    OPTIONS["pitch"] = st.fixed_dictionaries({"semitones": floats(-24, 24)})
CASES = st.sampled_from(sorted(OPTIONS)).flatmap(lambda name: st.tuples(st.just(name), OPTIONS[name]))


def missing(name):
    return name in ("speed", "pitch") and not importlib.util.find_spec("librosa")


def by_default(name):
    """Options under which the effect needs no package beyond the base install."""
    return {"resampled": True} if name == "speed" and missing("speed") else {}


def true_peak_dbtp(samples):
    """An ideal interpolation, 16 times the samples. Filters that let images pass read more near half the rate."""
    padded = np.pad(samples, 200)
    return 20 * np.log10(np.abs(resample(padded, 16 * len(padded))).max())


class Spoil(Effect):
    name, summary = "spoil", "for tests"

    def __init__(self, result):
        super().__init__()
        self.result = result

    def apply(self, samples, rate, random):
        return self.result


def work(media):
    return Work(Query("q7", "text"), "text", media)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=CASES, rate=st.sampled_from([8000, 16000, 22050]), level=floats(0.05, 0.99), seed=st.integers(0, 9))
def test_whatever_the_options_the_result_is_a_sound_mono_16_bit_file(case, rate, level, seed):
    name, options = case
    random = np.random.default_rng(seed)
    samples = np.concatenate([np.zeros(rate // 10), random.standard_normal(rate // 3), np.zeros(rate // 10)])
    media = Media.of("audio", "audio/wav", recorded(level * samples / np.abs(samples).max(), rate))
    made = registry.create(Converter, name, "test", **options).convert(Work(Query("q", ""), "", media, seed))
    info = soundfile.info(io.BytesIO(made.read()))
    heard = soundfile.read(io.BytesIO(made.read()))[0]
    assert (info.format, info.subtype, info.channels, info.samplerate) == ("WAV", "PCM_16", 1, rate)
    assert np.isfinite(heard).all()
    assert np.abs(heard).max() > 0.001
    assert true_peak_dbtp(heard) <= -1.0


@pytest.mark.parametrize("name", [name for name in NAMES if not missing(name)])
@pytest.mark.parametrize("frames", [1, 2, 17, 300])
@pytest.mark.filterwarnings("error")
def test_a_clip_of_a_few_samples_is_altered_or_refused(through, name, frames):
    try:
        heard = through(name, 0.5 * np.random.default_rng(0).uniform(-1, 1, frames), 48000)
    except ConversionError as error:
        assert str(error).startswith(f"query 'q7': {name}: ")  # noqa: PT017  either end is right
    else:
        assert np.abs(heard).max() > 0.001


@pytest.mark.parametrize("name", NAMES)
def test_every_effect_is_registered_and_takes_and_gives_speech(name):
    effect = registry.load(Converter, name)
    assert issubclass(effect, Effect)
    assert (effect.name, effect.takes, effect.gives) == (name, "audio", "audio")


def test_a_loud_clip_is_scaled_down_and_a_soft_one_left_alone(wav, hear, sine):
    # A sine at a quarter of the rate, sampled 45 degrees off its peaks, reaches 3 dB above its samples.
    between = 0.95 * np.sin(np.pi / 2 * np.arange(8000) + np.pi / 4)
    assert -1.6 < true_peak_dbtp(hear(Spoil(between).convert(work(wav(sine(440)))))[500:-500]) <= -1.0
    soft = hear(wav(sine(440)))
    assert np.abs(hear(Spoil(soft).convert(work(wav(sine(440))))) - soft).max() < 1e-4


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (np.array([0.1, np.nan]), "not finite"),
        (np.array([0.1, np.inf]), "not finite"),
        (np.zeros(0), "nothing is left"),
        (np.zeros(800), "silent .*digital silence"),
        (np.full(800, 0.0005), "silent .*-66 dBFS"),
    ],
)
def test_what_no_listener_could_use_is_refused_and_names_the_query(wav, sine, result, message):
    with pytest.raises(ConversionError, match=f"query 'q7': spoil: .*{message}"):
        Spoil(result).convert(work(wav(sine(440))))


def _promising(data, size):
    at = data.index(b"data") + 4
    return data[:at] + struct.pack("<I", size) + data[at + 4 :]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be decoded"),
        (b"not a recording at all", "cannot be decoded"),
        (recorded(np.zeros(0), 16000), "no samples"),
        (recorded(np.zeros(900), 16000), "silent"),
        (recorded(np.array([0.1, np.nan, 0.1]), subtype="FLOAT"), "not finite"),
        (recorded(np.ones(900) / 2, 16000)[:-700], "promises 1800 bytes, and 1100 follow"),
        (_promising(recorded(np.ones(900) / 2, 16000), 1_999_999), "promises 1999999 bytes"),
        (recorded(np.ones(900) / 2, 11), "rate of 11 Hz"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_a_broken_clip_is_a_conversion_error_that_names_the_query(data, message):
    with pytest.raises(ConversionError, match=f"query 'q7': volume: .*{message}"):
        Volume().convert(work(Media.of("audio", "audio/wav", data)))


def test_an_effect_as_first_step_says_what_is_missing():
    with pytest.raises(ConversionError, match="query 'q7': echo: there is no recording yet"):
        Echo().convert(work(None))


def test_channels_are_averaged(hear):
    stereo = np.stack([np.full(900, 0.4), np.zeros(900)], axis=1)
    heard = hear(
        Volume(Volume.Options(gain_db=0)).convert(work(Media.of("audio", "audio/wav", recorded(stereo, 16000))))
    )
    assert heard == pytest.approx(0.2, abs=1e-3)


def test_same_work_same_bytes_in_another_process(speech, wav, tmp_path):
    clip = tmp_path / "clip.wav"
    clip.write_bytes(wav(speech).read())
    steps = [(name, by_default(name)) for name in NAMES if name == "speed" or not missing(name)]
    steps += [("noise", {"source": source}) for source in ("pink", "babble")]
    code = (
        "import pathlib; from safebench import registry; from safebench.plugins import Converter, Work;"
        "from safebench.types import Media, Query;"
        f"media = Media.of('audio', 'audio/wav', pathlib.Path({str(clip)!r}).read_bytes());"
        f"print([registry.create(Converter, n, 't', **o).convert(Work(Query('q', ''), '', media, 5)).sha256"
        f" for n, o in {steps!r}])"
    )
    there = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    made = Work(Query("q", ""), "", wav(speech), 5)
    assert there.strip() == repr([registry.create(Converter, n, "t", **o).convert(made).sha256 for n, o in steps])


@pytest.mark.parametrize("options", [{"source": s} for s in ("white", "pink", "babble")])
def test_seed_query_and_options_draw_other_numbers(through, speech, options):
    made = [through("noise", speech, **options | other) for other in ({}, {"seed": 1}, {"query": "q8"}, {"voices": 7})]
    made.append(through("reverberation", speech)[: len(speech)])
    assert len({clip.tobytes() for clip in made}) == 5


def test_effects_chain_in_a_recipe():
    steps = [{"use": "espeak"}, {"use": "echo"}, {"use": "noise", "source": "babble", "snr_db": 12.0}]
    recipe = Recipe(name="hall", medium="audio", steps=[*steps, {"use": "telephone"}, {"use": "codec", "kbps": 16}])
    recipe.check()
    query = Query("q1", "How should I wash fresh fish?")
    first, again, other = (render(RenderJob(query, recipe, seed=seed)) for seed in (0, 0, 1))
    assert first.failure is None
    assert first.media == again.media != other.media
    assert soundfile.info(io.BytesIO(first.media.read())).samplerate == 16000


def test_a_failed_effect_in_a_recipe_is_data_that_names_the_step():
    recipe = Recipe(name="gone", medium="audio", steps=[{"use": "espeak"}, {"use": "volume", "gain_db": -60.0}])
    failed = render(RenderJob(Query("q1", "Hello there."), recipe))
    assert (failed.failure.component, failed.failure.type) == ("volume", "ConversionError")
    assert "query 'q1': volume: what is left is silent" in failed.failure.message
