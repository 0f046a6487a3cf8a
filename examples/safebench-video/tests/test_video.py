import base64
import io
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image
from safebench_video import mp4
from safebench_video.film import Film
from safebench_video.modality import CARRIER, VideoModality
from safebench_video.recognisers import VideoSound

from converters.text_to_speech.espeak import Espeak
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Asking, Checking, Work
from safebench.types import Media, Query, Text

QUERY = Query("q1", "Which plants in a garden are dangerous for cats?")
RATE = 16000
GATE = VideoModality.recipes()["film"]["gate"]


def png(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return Media.of("image", "image/png", file.getvalue())


PICTURE = Image.linear_gradient("L").convert("RGB")
FILM = Film().convert(Work(QUERY, QUERY.text, png(PICTURE)))


def video(picture=PICTURE, sound=None, seconds=1.0, per_second=5):
    silent = np.zeros(RATE, np.int16)
    data = mp4.write(picture, silent if sound is None else sound, RATE, seconds, per_second)
    return Media.of("video", mp4.MIME, data)


def check(media, *said, gate=GATE, recogniser=None):
    """In which the recognisers say these things, one after the other."""
    told = iter(said)
    return VideoModality().check(Checking(QUERY, media, gate, lambda spec, found: next(told), recogniser))


# --- the file


def test_the_picture_and_the_sound_come_back():
    (frame,) = mp4.frames(FILM, 3)
    seen = np.asarray(Image.open(io.BytesIO(frame.read())), dtype=int)
    assert np.abs(seen - np.asarray(PICTURE, dtype=int)).mean() < 2
    with av.open(io.BytesIO(FILM.read())) as file:
        assert file.streams.video[0].codec_context.name == "h264"
        assert file.duration / 1e6 == pytest.approx(3.5, abs=0.5)
        assert "creation_time" not in file.metadata


def test_a_picture_is_held_so_long_or_until_the_sound_ends():
    held = Film(Film.Options(seconds=6)).convert(Work(QUERY, "Hello.", png(PICTURE)))
    with av.open(io.BytesIO(held.read())) as file:
        assert file.duration / 1e6 == pytest.approx(6.0, abs=0.1)
    with av.open(io.BytesIO(FILM.read())) as file:
        spoken = file.streams.audio[0].duration * file.streams.audio[0].time_base
        assert file.streams.video[0].frames / 5 == pytest.approx(float(spoken), abs=0.21)


@pytest.mark.parametrize("size", [(33, 40), (40, 33), (1, 1)])
def test_odd_sides_get_a_white_edge(size):
    (frame,) = mp4.frames(video(Image.new("RGB", size, "white")), 1)
    assert Image.open(io.BytesIO(frame.read())).size == tuple(side + side % 2 for side in size)


# --- the converter


@pytest.mark.parametrize(
    ("sound", "told"),
    [
        ([{"use": "typographic"}], "its steps give image"),
        ([], "its steps give nothing"),
        ([{"use": "noise"}], "its steps give audio"),
        ([{"use": "espeak"}, {"use": "espeak"}], "its steps give audio, audio"),
        ([{"use": "nobody"}], "unknown converter 'nobody'"),
        ([{"use": "espeak", "voise": "en"}], "voise"),
    ],
)
def test_a_chain_that_makes_no_speech_is_an_error_before_any_work(sound, told):
    with pytest.raises(BadInput, match=told):
        Film(Film.Options(sound=sound))


def test_the_voice_and_its_effects_change_the_bytes():
    made = {
        Film(Film.Options(sound=sound)).convert(Work(QUERY, "Hello.", png(PICTURE))).sha256
        for sound in (
            [{"use": "espeak"}],
            [{"use": "espeak", "voice": "en-us+m6"}],
            [{"use": "espeak"}, {"use": "echo"}],
        )
    }
    assert len(made) == 3


def test_what_the_sound_is_made_from_counts_as_part_of_the_recipe(tmp_path):
    street = tmp_path / "street.wav"
    soundfile.write(street, np.full(RATE, 0.1), RATE)
    plain = Film.Options(sound=[{"use": "espeak"}])
    assert Espeak.version in plain.versions()
    noisy = Film.Options(sound=[{"use": "espeak"}, {"use": "noise", "source": "file", "file": str(street)}])
    assert street in noisy.files()
    assert not [*plain.files()]


def test_text_that_cannot_be_spoken_is_no_film():
    with pytest.raises(ConversionError, match="q1"):
        Film().convert(Work(QUERY, "???", png(PICTURE)))


# --- the check


def test_read_in_the_frames_it_passes_and_says_that_nobody_listened():
    found = check(FILM, QUERY.text)
    assert (found.status, found.recogniser, found.recognised) == ("passed", "video-frames", QUERY.text)
    assert found.measures["cer"] == 0.0
    assert 0.2 < found.measures["sound_seconds_per_word"] < 0.6
    assert found.reason == "sound: signal checks passed; no recogniser heard it"


def test_one_frame_that_says_something_else_is_enough_to_fail():
    first, last = (png(Image.effect_noise((64, 64), 90)) for _ in range(2))
    film = two_pictures(first, last)
    found = check(film, QUERY.text, "Something else.", gate={"cer": 0.1})
    assert found.status == "failed"
    assert found.recognised == f"{QUERY.text}\nSomething else."


def two_pictures(*pictures):
    """A video of one second for each."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=5, options={"qp": "10"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        sound = out.add_stream("aac", rate=RATE, layout="mono")
        for number in range(5 * len(pictures)):
            picture = Image.open(io.BytesIO(pictures[number // 5].read()))
            frame = av.VideoFrame.from_image(picture.convert("RGB"))
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
        noise = np.random.default_rng(0).integers(-3000, 3000, (1, RATE)).astype(np.int16)
        samples = av.AudioFrame.from_ndarray(noise, format="s16", layout="mono")
        samples.sample_rate = RATE
        out.mux(sound.encode(samples))
        out.mux(sound.encode())
    return Media.of("video", mp4.MIME, file.getvalue())


def test_a_silent_sound_track_fails_though_the_frames_are_read():
    found = check(video(), QUERY.text)
    assert found.status == "failed"
    assert "sound: " in found.reason
    assert "silent" in found.reason


def test_the_sound_is_heard_by_the_recogniser_that_the_user_chose():
    listener = {"gate": {"sound_max_wer": 0.2}, "recogniser": "video-sound:openai-transcriptions:whisper-1"}
    heard = check(FILM, QUERY.text, QUERY.text, **listener)
    assert (heard.status, heard.measures["sound_wer"]) == ("passed", 0.0)
    assert (heard.recogniser, heard.recognised) == (listener["recogniser"], QUERY.text)
    wrong = check(FILM, QUERY.text, "which ants in a garden are dangerous", **listener)
    assert wrong.status == "failed"
    assert "sound: wer is" in wrong.reason


def test_a_video_without_sound_or_without_picture_fails():
    for kind, told in (("audio", "no video stream"), ("video", "no audio stream")):
        file = io.BytesIO()
        with av.open(io.BytesIO(FILM.read())) as source, av.open(file, "w", format="mp4") as out:
            stream = getattr(source.streams, kind)[0]
            copy = out.add_stream_from_template(stream)
            for packet in source.demux(stream):
                if packet.dts is not None:
                    packet.stream = copy
                    out.mux(packet)
        found = check(Media.of("video", mp4.MIME, file.getvalue()))
        assert found.status == "failed"
        assert told in found.reason


def test_a_video_that_was_cut_off_is_not_whole():
    VideoModality().check_whole(FILM)
    with pytest.raises(ValueError, match="video"):
        VideoModality().check_whole(Media.of("video", mp4.MIME, FILM.read()[:2000]))


@pytest.mark.parametrize("name", ["rapidocr", "video-frames", "nobody"])
def test_what_hears_no_speech_is_no_listener(name):
    with pytest.raises(BadInput, match=name):
        VideoSound.Options(argument=name)


# --- message and encoders


def test_the_carrier_says_nothing_of_the_query():
    modality = VideoModality()
    assert modality.compose(Asking(QUERY, FILM, with_text=False)) == (Text(CARRIER), FILM)
    assert modality.compose(Asking(QUERY, FILM, with_text=True)) == (Text(QUERY.text), FILM)


def test_endpoints_get_a_data_uri():
    part = VideoModality.encoders["openai"].encode(FILM)
    url = "data:video/mp4;base64," + base64.b64encode(FILM.read()).decode()
    assert part == {"type": "video_url", "video_url": {"url": url}}


def test_local_models_get_a_file(tmp_path):
    encoder = VideoModality.encoders["transformers"]
    kept = tmp_path / "kept.mp4"
    kept.write_bytes(FILM.read())
    assert encoder.encode(replace(FILM, source=kept)) == {"type": "video", "video": str(kept)}
    assert Path(encoder.encode(FILM)["video"]).read_bytes() == FILM.read()
