import shutil

import numpy as np
import pytest

from converters.text_to_speech.espeak import Espeak
from converters.text_to_speech.waveform import resample
from modalities.audio import asr, splitting
from modalities.audio.decoding import decode
from safebench.errors import BadInput
from safebench.plugins import Work
from safebench.rendering.chain import prepare_recogniser, recognise
from safebench.types import Media, Query
from tests.local import tiny_whisper
from tests.media_files import clip_media

BUILDERS = {"whisper": tiny_whisper.whisper, "wav2vec2": tiny_whisper.wav2vec2}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("asr")
    return {name: build(base / name) for name, build in BUILDERS.items()}


@pytest.fixture(scope="module", params=BUILDERS)
def engine(request, folders):
    return asr.TransformersAsr(asr.TransformersAsr.Options(argument=str(folders[request.param]), device="cpu"))


def spoken(text="How do tides work?", rate=16000):
    return Espeak(Espeak.Options(sample_rate=rate)).convert(Work(Query("q", text), text))


def test_it_hears_the_clip_and_always_the_same(engine):
    first = engine.recognise(spoken())
    other = engine.recognise(spoken("Stop it now."))
    assert first
    assert first != other
    assert engine.recognise(spoken()) == first


@pytest.mark.parametrize("silence", [np.zeros(16000), np.full(8000, 1e-4)])
def test_silence_is_no_text(engine, silence):
    assert engine.recognise(clip_media(silence)) == ""


def test_a_clip_of_another_rate_is_brought_to_the_model_s(engine):
    samples, rate = decode(spoken(rate=22050))
    resampled = clip_media(resample(samples, rate, 16000))
    assert rate == 22050
    assert engine.recognise(spoken(rate=22050)) == engine.recognise(resampled)


def test_a_clip_of_a_few_samples_is_no_trouble(engine):
    engine.recognise(clip_media(np.full(10, 0.5)))


def test_a_long_clip_is_heard_piece_by_piece_to_its_end(engine):
    one, two = (
        np.concatenate([decode(spoken(text))[0]] * times) for text, times in [("Good morning.", 18), ("Stop!", 9)]
    )
    gap = np.zeros(16000)
    long = np.concatenate([one[: 25 * 16000], gap, two])
    pieces = list(splitting.pieces(long, 16000, asr.LONGEST))
    assert len(pieces) == 2
    assert (
        engine.recognise(clip_media(long)).split()
        == " ".join(engine.recognise(clip_media(piece)) for piece in pieces).split()
    )


def test_chunks_lose_nothing_and_are_cut_where_it_is_quiet():
    samples = np.random.default_rng(0).normal(size=70 * 16000)
    for at in (24, 47):
        samples[at * 16000 : (at * 10 + 3) * 1600] = 0
    pieces = list(splitting.pieces(samples, 16000, asr.LONGEST))
    assert np.array_equal(np.concatenate(pieces), samples)
    assert [round(piece.size / 16000) for piece in pieces] == [24, 23, 23]
    assert all(piece.size <= 30 * 16000 for piece in pieces)


def test_whisper_transcribes_and_never_translates(folders, monkeypatch):
    engine = asr.TransformersAsr(asr.TransformersAsr.Options(argument=str(folders["whisper"]), device="cpu"))
    asked = {}
    generate = engine._engine._model.generate
    monkeypatch.setattr(engine._engine._model, "generate", lambda **how: asked.update(how) or generate(**how))
    engine.recognise(spoken())
    assert (asked["task"], asked["do_sample"], asked["num_beams"]) == ("transcribe", False, 1)


@pytest.mark.parametrize("data", [b"", b"RIFF\x00\x00\x00\x00WAVE", b"noise" * 100])
def test_broken_bytes_are_a_value_error(engine, data):
    with pytest.raises(ValueError, match="recording"):
        engine.recognise(Media.of("audio", "audio/wav", data))


def test_it_is_found_by_its_name_with_the_model_as_argument(folders, engine):
    assert isinstance(recognise(f"transformers-asr:{folders['wav2vec2']}", spoken()), str)


def test_a_model_is_needed():
    with pytest.raises(BadInput, match="argument"):
        recognise("transformers-asr", spoken())


def test_a_folder_that_does_not_exist_is_not_looked_for_elsewhere(tmp_path):
    with pytest.raises(BadInput, match="does not exist"):
        recognise(f"transformers-asr:{tmp_path / 'nothing'}", spoken())


def test_weights_that_are_pickles_are_not_loaded(folders, tmp_path):
    import torch

    folder = shutil.copytree(folders["wav2vec2"], tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(BadInput, match=r"cannot be loaded: .*safetensors"):
        recognise(f"transformers-asr:{folder}", spoken())
    with pytest.raises(BadInput, match=r"cannot be loaded: .*safetensors"):
        prepare_recogniser(f"transformers-asr:{folder}")  # before a run, and without a clip


def test_a_model_that_hears_nothing_is_refused(tmp_path):
    from tests.local.tiny_models import transformers_vits

    with pytest.raises(BadInput, match="cannot be loaded"):
        recognise(f"transformers-asr:{transformers_vits(tmp_path / 'vits')}", spoken())
