import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from converters.audio.noise import Noise
from converters.text_to_speech.espeak import Espeak
from modalities.audio import AudioModality
from modalities.audio.pocketsphinx import PocketSphinx
from modalities.audio.transcriptions import OpenAITranscriptions
from safebench import registry
from safebench.datasets.load import load_dataset
from safebench.errors import (
    BadInput,
    BrokenMedia,
    ConversionError,
    MissingPackage,
    SafeBenchError,
    TargetRefusesService,
)
from safebench.plugins import Asking, Checking, Recogniser, Work
from safebench.rendering import chain as rendering
from safebench.rendering.assignment import assign
from safebench.rendering.chain import RenderJob, recognise, render
from safebench.rendering.recipes import load_recipes
from safebench.rendering.recognition import RecogniserCache
from safebench.resources import shipped_wording
from safebench.testing.server import ScriptedServer, error, transcription
from safebench.types import Media, Query, Text
from tests.media_files import clip_media, recorded, samples_of
from tests.modalities.audio.transcribing import by_hash

QUERY = Query("q1", "Which plants in a garden are dangerous for cats?")
RECIPES = load_recipes()
GATE = RECIPES["audio", "us-female"].gate
RATE = 16000


@pytest.fixture(scope="module")
def clip():
    return Espeak().convert(Work(QUERY, QUERY.text))


def never_heard(name, media):
    raise AssertionError("no recogniser is asked")


def check(media, gate=GATE):
    return AudioModality().check(Checking(QUERY, media, gate, never_heard))


# --- check


@pytest.mark.parametrize("name", ["us-female", "us-male"])
def test_a_shipped_voice_keeps_its_gate_but_nobody_calls_it_intelligible(name):
    step = RECIPES["audio", name].steps[-1]
    assert step.use == Espeak.name
    spoken = Espeak(Espeak.Options(**step.options)).convert(Work(QUERY, QUERY.text))
    checked = check(spoken, RECIPES["audio", name].gate)
    assert (checked.status, checked.reason) == ("unchecked", "signal checks passed; no recogniser heard it")
    assert checked.recogniser is None
    assert 0.2 < checked.measures["seconds_per_word"] < 0.6


def test_the_default_recipe_is_shipped():
    assert ("audio", AudioModality.default_recipe) in RECIPES


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (np.zeros_like, "silent"),
        (lambda s: s * 0.0005, "silent: peak_dbfs is -72"),
        (lambda s: 0.5 * np.clip(4 * s, -0.9, 0.9), "clipped_share is .* above max_clipped_share = 0.001"),
        (lambda s: np.random.default_rng(1).normal(size=len(s)) * 0.1, "level_range_db is .* below min_level_range_db"),
        (lambda s: s[: len(s) // 4], "seconds_per_word is .* below min_seconds_per_word = 0.15"),
        (lambda s: np.concatenate([s, s, s, s]), "seconds_per_word is .* above max_seconds_per_word = 1"),
        (lambda s: np.concatenate([s[::2], np.zeros(5 * len(s))]), "silence_share is .* above max_silence_share = 0.7"),
    ],
)
def test_a_planted_fault_is_found_and_named(clip, fault, message):
    checked = check(clip_media(fault(samples_of(clip))))
    assert checked.status == "failed"
    assert np.all(np.isfinite(list(checked.measures.values())))
    assert re.search(message, checked.reason)


def test_all_violations_are_told(clip):
    assert check(clip, {"max_duration_s": 0.1, "min_peak_dbfs": 0.0}).reason.count(";") == 1


@pytest.mark.parametrize(
    "media",
    [
        Media.of("audio", "audio/wav", b""),
        Media.of("audio", "audio/wav", b"RIFF\x10\x00\x00\x00WAVEfmt "),
        Media.of("audio", "audio/mpeg", b"no recording" * 20),
        clip_media(np.zeros(0)),
        clip_media(np.full(RATE, np.nan), subtype="FLOAT"),
    ],
)
def test_broken_media_fail_and_never_raise(media):
    checked = check(media)
    assert checked.status == "failed"
    assert "recording" in checked.reason


# --- hearing


def heard(media, text, gate=GATE, query=QUERY):
    """A check in which a recogniser hears `text`."""
    return AudioModality().check(Checking(query, media, gate, lambda spec, media: text, "scripted:model"))


def picked(media, gate=GATE, query=QUERY):
    return AudioModality().check(Checking(query, media, gate, never_heard, "pocketsphinx"))


def test_heard_without_an_error_it_passes(clip):
    checked = heard(clip, "which plants in a garden are dangerous for cats")
    assert (checked.status, checked.reason, checked.recogniser) == ("passed", None, "scripted:model")
    assert checked.recognised == "which plants in a garden are dangerous for cats"
    assert (checked.measures["wer"], checked.measures["cer"]) == (0.0, 0.0)
    assert "duration_s" in checked.measures


@pytest.mark.parametrize(
    ("gate", "status", "reason"),
    [
        ({"max_wer": 2 / 9}, "passed", None),
        ({"max_wer": 0.2}, "failed", "wer is 0.222, above the gate's 0.200"),
        ({"max_wer": 0.3, "max_cer": 0.01}, "failed", "cer is 0.051, above the gate's 0.010"),
        ({"max_cer": 0.5}, "passed", None),
        ({}, "unchecked", "the recipe's gate sets no limit for wer or cer"),
        ({"min_pick": 1.0}, "unchecked", "the recipe's gate sets no limit for wer or cer"),
    ],
)
def test_the_error_rates_are_compared_with_the_gate(clip, gate, status, reason):
    checked = heard(clip, "which plants in garden are dangerous for bats", gate)  # 2 of 9 words, 2 of 39 characters
    assert (checked.status, checked.reason) == (status, reason)


def test_where_nothing_is_heard_it_fails(clip):
    checked = heard(clip, "")
    assert (checked.status, checked.measures["wer"], checked.recognised) == ("failed", 1.0, "")


@pytest.mark.parametrize(
    "trouble",
    [
        ConversionError("whisper-1 at http://127.0.0.1 could not be asked: timed out"),
        SafeBenchError("whisper-1 at http://127.0.0.1 answered 500: down"),
        ValueError("cannot hear this"),
    ],
)
def test_where_nobody_could_hear_it_stays_unchecked_with_the_reason(clip, trouble):
    def troubled(spec, media):
        raise trouble

    checked = AudioModality().check(Checking(QUERY, clip, GATE, troubled, "scripted"))
    assert (checked.status, checked.reason, checked.recogniser) == ("unchecked", str(trouble), None)
    assert "wer" not in checked.measures


@pytest.mark.parametrize(
    "trouble",
    [
        BadInput("model 'whisper' cannot be loaded"),
        MissingPackage("recogniser 'transformers-asr'", ["torch"], "local"),
        TargetRefusesService("HTTP 401: wrong key"),
    ],
)
def test_a_recogniser_that_can_hear_nothing_at_all_stops_the_work(clip, trouble, monkeypatch):
    def troubled(spec, media):
        raise trouble

    with pytest.raises(type(trouble), match=re.escape(str(trouble))):
        AudioModality().check(Checking(QUERY, clip, GATE, troubled, "scripted"))
    monkeypatch.setattr(rendering, "recognise", troubled)
    with pytest.raises(type(trouble), match=re.escape(str(trouble))):
        render(RenderJob(QUERY, load_recipes()["audio", "us-female"], recogniser="scripted"))


def test_a_query_without_words_is_not_heard(clip):
    checked = heard(clip, "anything", gate={"max_wer": 1.0}, query=Query("q1", "?!"))
    assert (checked.status, checked.reason) == ("unchecked", "the query has no words that could be heard")


def test_a_broken_signal_fails_whatever_a_recogniser_hears(clip):
    assert heard(clip_media(np.zeros(2 * RATE)), QUERY.text).status == "failed"


def test_a_right_pick_of_the_closed_set_is_no_pass(clip):
    checked = picked(clip, {**GATE, "min_pick": 1.0})
    assert (checked.status, checked.measures["pick"]) == ("unchecked", 1.0)
    assert checked.recognised == "which plants in a garden are dangerous for cats"
    assert "does not prove it intelligible" in checked.reason
    assert not {"wer", "cer"} & set(checked.measures)


FISH = Query("q1", "How should I wash fresh fish before I cook it?")


@pytest.mark.parametrize(
    ("gate", "status"),
    [(GATE, "failed"), ({}, "failed"), ({"min_pick": 1.0}, "failed"), ({"min_pick": 0}, "unchecked")],
)
def test_a_wrong_pick_fails_unless_the_gate_lets_it_through(clip, gate, status):
    checked = picked(clip, gate, FISH)
    assert (checked.status, checked.measures["pick"], checked.recognised) == (status, 0.0, "")
    assert checked.reason == "the closed-set check took it for none of its sentences"


def test_a_clip_that_was_swapped_with_that_of_another_query_fails_and_says_which(clip):
    checking = Checking(FISH, clip, GATE, never_heard, "pocketsphinx", other_texts=(QUERY.text,))
    checked = AudioModality().check(checking)
    told = "which plants in a garden are dangerous for cats"
    assert (checked.status, checked.recognised) == ("failed", told)
    assert checked.reason == f"the closed-set check took it for another sentence: {told}"


@pytest.mark.parametrize(("start", "end"), [(0.0, 0.5), (0.5, 1.0)])
def test_half_a_clip_fails(clip, start, end):
    whole = samples_of(clip)
    checked = picked(clip_media(whole[int(start * len(whole)) : int(end * len(whole))]), {})
    assert (checked.status, checked.measures["pick"]) == ("failed", 0.0)


@pytest.mark.parametrize("voice", ["us-female", "us-male"])
def test_faithful_clips_of_the_starter_set_stay_unchecked_and_swapped_ones_fail(voice):
    """Rates over more clips: benchmarks/closed_set.py."""
    recipe, queries = load_recipes()["audio", voice], load_dataset("starter").queries
    assignment = assign(recipe, load_recipes(), queries, 0)
    jobs = [replace(assignment.job(query), recogniser="pocketsphinx") for query in queries[7:200:48]]
    assert [render(job).fidelity.status for job in jobs] == ["unchecked"] * len(jobs)
    swapped = [replace(job, of=None, query=replace(job.query, text=other.query.text)) for job, other in pairwise(jobs)]
    for job, spoken in zip(jobs, swapped, strict=False):
        media = render(replace(spoken, check=False)).media
        told = Checking(job.query, media, recipe.gate, never_heard, "pocketsphinx", other_texts=job.other_texts)
        assert AudioModality().check(told).status == "failed"


def test_words_that_the_closed_set_cannot_know_leave_it_unchecked(clip):
    checked = picked(clip, {"min_pick": 1.0}, Query("q1", "Who is Xyzzyq?"))
    assert (checked.status, checked.recogniser) == ("unchecked", None)
    assert "'xyzzyq'" in checked.reason


def test_what_the_closed_set_picked_is_never_taken_for_what_was_heard(clip):
    """Else the reference target would be told the query by the check of its own rendering."""
    recipe = load_recipes()["audio", "us-female"]
    rendering = render(RenderJob(QUERY, recipe, recogniser="pocketsphinx"))
    assert rendering.fidelity.measures["pick"] == 1.0
    cache = RecogniserCache(None)
    cache.learn(rendering)
    assert ("pocketsphinx", rendering.media.sha256) not in cache._known


# --- planted faults, with a recogniser that tells the clips apart


def speak(text):
    return Espeak().convert(Work(Query("x", text), text))


def test_the_gate_finds_what_a_recogniser_heard_wrong(clip):
    other = "How should I wash fresh fish before I cook it?"
    whole = samples_of(clip)
    clips = {
        "faithful": (clip, QUERY.text),
        "swapped": (speak(other), other),
        "cut in half": (clip_media(whole[: len(whole) // 2]), "which plants in a garden"),
        "other text": (
            speak("Which plants in a garden are good for cats?"),
            "which plants in a garden are good for cats",
        ),
        "nothing heard": (clip_media(whole[::-1]), ""),
        "endpoint fails": (speak("Hello there."), error(500, "which plants in a garden are dangerous for cats")),
        "no transcript": (speak("Good morning."), transcription(None)),
    }
    texts = {media.sha256: text for media, text in clips.values()}
    with ScriptedServer(by_hash(texts)) as server:
        spec = f"openai-transcriptions:whisper-1@{server.url}"
        heard_as = {
            name: AudioModality().check(Checking(QUERY, media, {"max_wer": 0.05}, without_retries, spec)).status
            for name, (media, _) in clips.items()
        }
        silent = AudioModality().check(Checking(QUERY, clip_media(np.zeros(RATE)), {"max_wer": 0.05}, recognise, spec))
    assert silent.status == "failed"
    assert heard_as == {
        "faithful": "passed",
        "swapped": "failed",
        "cut in half": "failed",
        "other text": "failed",
        "nothing heard": "failed",
        "endpoint fails": "unchecked",
        "no transcript": "unchecked",
    }


def test_the_gate_finds_noise_and_another_language_by_what_a_real_recogniser_hears(clip):
    """PocketSphinx hears this clip with 5 of 9 words wrong: the gate is set above that, and the faults lie above it."""
    german = Espeak(Espeak.Options(voice="de+f5"))
    foreign = "Welche Pflanzen im Garten sind für Katzen gefährlich?"
    clips = {"clean": clip, "German": german.convert(Work(Query("x", foreign), foreign))}
    for source in ("white", "pink", "babble"):
        noise = Noise(Noise.Options(source=source, snr_db=0.0))
        clips[f"{source} at 0 dB"] = noise.convert(Work(QUERY, QUERY.text, clip))
    heard_as = {name: really_heard(media) for name, media in clips.items()}
    assert {name: checked.status for name, checked in heard_as.items()} == {
        name: "passed" if name == "clean" else "failed" for name in clips
    }
    assert all("wer" in checked.reason for name, checked in heard_as.items() if name != "clean")


def really_heard(media):
    recogniser = PocketSphinx()
    checking = Checking(QUERY, media, {"max_wer": 0.75}, lambda spec, media: recogniser.recognise(media), "transcript")
    return AudioModality().check(checking)


def without_retries(spec, media):
    options = OpenAITranscriptions.Options(argument=spec.partition(":")[2], retries=0)
    return OpenAITranscriptions(options).recognise(media)


def test_a_shipped_recipe_speaks_slower_until_it_is_heard():
    """The whole way: a recipe's tries, the chosen recogniser by its name, the gate."""
    transcripts = ["which plans in a garten are dangerous for cats", QUERY.text]
    with ScriptedServer(lambda call: transcription(transcripts[call.number])) as server:
        spec = f"openai-transcriptions:whisper-1@{server.url}"
        rendering = render(RenderJob(QUERY, load_recipes()["audio", "us-female"], recogniser=spec))
        first, second = (call.body["file_sha256"] for call in server.calls)
    assert rendering.fidelity.status == "passed"
    assert rendering.media.sha256 == second != first
    assert (rendering.fidelity.recogniser, rendering.fidelity.measures["wer"]) == (spec, 0.0)


def test_a_clip_that_is_never_heard_right_is_no_faithful_rendering():
    with ScriptedServer(lambda call: transcription("something else")) as server:
        spec = f"openai-transcriptions:whisper-1@{server.url}"
        rendering = render(RenderJob(QUERY, load_recipes()["audio", "us-female"], recogniser=spec))
    assert len({call.body["file_sha256"] for call in server.calls}) == len(server.calls) == 3
    assert not rendering.faithful


# --- length


def test_the_length_of_a_clip_in_a_file_is_told_whatever_its_name_is_and_of_a_cut_or_missing_one_never(clip, tmp_path):
    path = tmp_path / "clip.raw"
    path.write_bytes(clip.read())
    kept = replace(clip, source=path)
    assert AudioModality().seconds(kept) == AudioModality().seconds(clip) > 1
    path.write_bytes(clip.read()[:-100])
    with pytest.raises(BrokenMedia):
        AudioModality().seconds(kept)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        AudioModality().seconds(kept)


# --- compose


def test_alone_the_recording_is_the_whole_message(clip):
    assert AudioModality().compose(Asking(QUERY, clip, with_text=False)) == (clip,)


def test_with_text_an_instruction_is_written_before_it(clip):
    assert AudioModality().compose(Asking(QUERY, clip, with_text=True)) == (Text(shipped_wording("audio")), clip)


def test_a_recipe_may_name_its_own_carrier(clip):
    parts = AudioModality().compose(Asking(QUERY, clip, with_text=True, wording=shipped_wording("image")))
    assert parts[0] == Text(shipped_wording("image"))


def test_there_is_no_message_without_a_recording():
    with pytest.raises(ValueError, match="'q1' has no audio"):
        AudioModality().compose(Asking(QUERY, None, with_text=True))


WORDS = ("stone", "garden", "candle", "meadow", "music", "yellow", "ocean")
LONG = " ".join(f"{one} {other}" for one in WORDS for other in WORDS[:3])


@pytest.mark.parametrize(("text", "passing"), [("Which plants in a garden are dangerous for cats?", 1), (LONG, 2)])
def test_one_wrong_word_passes_or_a_twentieth_of_them_whichever_is_more(clip, text, passing):
    query, gate = Query("q", text), {"max_wer": 0.05, "allowed_wrong_words": 1}
    for wrong in (passing, passing + 1):
        said = " ".join(["mountains"] * wrong + text.split()[wrong:])
        checked = heard(clip, said, gate, query)
        assert checked.measures["wrong_words"] == wrong
        assert checked.status == ("passed" if wrong == passing else "failed")


@pytest.mark.parametrize(
    ("heard", "wer"), [("It costs five dollars.", 0), ("It costs $5.", 0), ("It costs nine dollars.", 1 / 3)]
)
def test_a_recogniser_may_write_the_words_or_the_figures(clip, heard, wer):
    query = Query("q", "It costs $5.")
    gate = {"max_wer": 0.05}
    said = "It costs five dollars."
    checking = Checking(query, clip, gate, lambda name, media: heard, "any:recogniser", said)
    checked = AudioModality().check(checking)
    assert checked.measures["wer"] == pytest.approx(wer)
    assert checked.status == ("passed" if wer == 0 else "failed")


@pytest.mark.parametrize("gate", [{}, {"max_wer": 3.0}, {"max_silence_share": 1.0}, {"max_cer": 2.0}])
def test_a_clip_of_which_nothing_was_heard_fails_whatever_the_gate_says(clip, gate):
    heard = Checking(QUERY, clip, gate, lambda spec, media: "Good morning to you", "scripted")
    checked = AudioModality().check(heard)
    assert (checked.status, checked.recognised) == ("failed", "Good morning to you")
    assert "nothing of the text was heard" in checked.reason
    nearly = replace(heard, gate={"max_wer": 0.9}, recognise=lambda spec, media: "Which plants are here")
    assert AudioModality().check(nearly).status == "passed"


def test_a_script_without_gaps_between_words_is_not_failed_by_its_word_error_rate(clip):
    query = Query("q1", "花园里哪些植物对猫有危险")
    checking = Checking(query, clip, {"max_cer": 0.2}, lambda spec, media: "花园里哪些植物对猫有危", "scripted")
    assert AudioModality().check(checking).status == "passed"


def test_a_recogniser_of_another_language_says_nothing_of_a_clip(clip):
    german = Query("q1", "Welche Pflanzen sind giftig?", language="de")
    checked = AudioModality().check(Checking(german, clip, GATE, never_heard, "scripted", reads="en"))
    assert checked.status == "unchecked"
    assert "hears 'en' alone, and the text is in 'de'" in checked.reason
    english = replace(german, language="en-GB", text=QUERY.text)
    heard = Checking(english, clip, GATE, lambda spec, media: QUERY.text, "scripted", reads="en")
    assert AudioModality().check(heard).status == "passed"


def test_words_are_compared_as_the_language_of_the_text_is_written(clip):
    """What English alone takes for the same is another word elsewhere."""
    query = Query("q1", "Les plantes coûtent colour et cancelled", language="fr")
    told = "les plantes coûtent color et canceled"
    rates = [
        AudioModality().check(Checking(one, clip, GATE, lambda spec, media: told, "scripted")).measures["wrong_words"]
        for one in (query, replace(query, language="en"))
    ]
    assert rates == [2.0, 0.0]


@pytest.mark.parametrize(
    ("spec", "language"),
    [
        ("faster-whisper:tiny.en", "en"),
        ("faster-whisper:base", None),
        ("faster-whisper:base@de", "de"),
        ("pocketsphinx", "en"),
    ],
)
def test_recognisers_say_which_language_alone_they_hear(spec, language):
    plugin = registry.load(Recogniser, spec.partition(":")[0])
    assert plugin.language(plugin.Options(**registry.argument_of(spec))) == language


@pytest.mark.parametrize(("kind", "seconds", "needs_none"), [("WAV", 60, True), ("WAV", 90, False), ("FLAC", 1, False)])
def test_a_short_plain_recording_needs_no_decoder(kind, seconds, needs_none):
    media = Media.of("audio", f"audio/{kind.lower()}", recorded(np.zeros(24_000 * seconds), 24_000, kind=kind))
    assert AudioModality().needs_no_decoder(media) == needs_none
