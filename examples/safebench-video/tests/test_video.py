import io

import av
import numpy as np
import pytest
import soundfile
from PIL import Image
from safebench_video import mp4
from safebench_video.film import Film
from safebench_video.modality import VideoModality

from converters.pictures import png
from safebench.plugins import Checking, Work
from safebench.testing.contracts import ConverterContract, ModalityContract
from safebench.types import Media, Query

QUERY = Query("q1", "Which plants in a garden are dangerous for cats?")
PICTURE = Image.linear_gradient("L").crop((0, 0, 255, 256)).convert("RGB")
FILM = Film(Film.Options(seconds=6)).convert(Work(QUERY, QUERY.text, png(PICTURE)))


def check(media, *said):
    shown: dict[str, str] = {}  # by frame, one after the other, however often one is looked at

    def recognise(_, frame):
        return shown.setdefault(frame.sha256, said[min(len(shown), len(said) - 1)])

    (reader,) = VideoModality.recognisers
    return VideoModality().check(Checking(QUERY, media, {"cer": 0.1}, recognise, reader))


class TestVideo(ModalityContract):
    name = "video"


class TestFilm(ConverterContract):
    name = "film"

    media = pytest.fixture(lambda self: png(PICTURE))


def test_the_picture_and_the_sound_come_back_and_last_as_long_as_was_asked():
    (frame,), sound = mp4.read(FILM, 3)
    seen = np.asarray(Image.open(io.BytesIO(frame.read())), dtype=int)
    assert seen.shape == (256, 256, 3)  # an odd side gets an edge
    assert np.abs(seen[:, :255] - np.asarray(PICTURE, dtype=int)).mean() < 2
    assert 2 < soundfile.info(io.BytesIO(sound.read())).duration < 5
    with av.open(io.BytesIO(FILM.read())) as file:
        assert file.duration / 1e6 == pytest.approx(6.0, abs=0.1)


def test_read_in_all_frames_it_passes_and_one_that_says_something_else_is_enough_to_fail(monkeypatch):
    assert check(FILM, QUERY.text).status == "passed"
    read = [png(PICTURE), png(PICTURE.rotate(90))], mp4.read(FILM, 3)[1]
    monkeypatch.setattr(mp4, "read", lambda *_: read)
    assert check(FILM, QUERY.text, "Something else.").status == "failed"


def test_a_silent_sound_track_fails_though_the_frames_are_read():
    checked = check(Media.of("video", mp4.MIME, mp4.write(PICTURE, np.zeros(16000, np.int16), 16000, 1, 5)), QUERY.text)
    assert (checked.status, "silent" in checked.reason) == ("failed", True)
