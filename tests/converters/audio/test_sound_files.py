import numpy as np
import pytest
import soundfile

from converters.audio.sound_files import Recording, recordings_in
from safebench.errors import BadInput, ConversionError


def test_a_recording_is_resampled_to_one_channel(tmp_path, sine):
    soundfile.write(tmp_path / "hum.flac", np.stack([sine(500, rate=44100)] * 2, axis=1), 44100)
    samples = Recording(tmp_path / "hum.flac", "noise: file").at(16000)
    assert samples.shape == (16000,)
    assert np.abs(np.fft.rfft(samples)).argmax() == 500


def test_a_missing_file_is_bad_input_that_names_the_option(tmp_path):
    with pytest.raises(BadInput, match=r"noise: file = '.*gone.wav': there is no such file"):
        Recording(tmp_path / "gone.wav", "noise: file")


def test_a_file_that_is_no_recording_is_bad_input(tmp_path):
    (tmp_path / "notes.wav").write_text("not a recording")
    with pytest.raises(BadInput, match=r"notes.wav' cannot be read as a recording"):
        Recording(tmp_path / "notes.wav", "noise: file")


def test_an_empty_recording_is_bad_input(tmp_path):
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16000)
    with pytest.raises(BadInput, match="lasts 0 s"):
        Recording(tmp_path / "empty.wav", "noise: file")


def test_a_silent_recording_cannot_be_used(tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(1600), 16000)
    with pytest.raises(ConversionError, match="is silent"):
        Recording(tmp_path / "silence.wav", "noise: file").at(16000)


def test_a_file_that_vanished_after_the_check_is_a_conversion_error(tmp_path, sine):
    soundfile.write(tmp_path / "hum.wav", sine(500), 16000)
    recording = Recording(tmp_path / "hum.wav", "noise: file")
    (tmp_path / "hum.wav").unlink()
    with pytest.raises(ConversionError, match="cannot be read any more"):
        recording.at(16000)


def test_a_folders_recordings_come_by_name_and_other_files_are_left_out(tmp_path, sine):
    for name in ("b.wav", "a.flac", "c.ogg"):
        soundfile.write(tmp_path / name, sine(500), 16000)
    (tmp_path / "readme.txt").write_text("about the clips")
    assert [r.path.name for r in recordings_in(tmp_path, "noise: folder")] == ["a.flac", "b.wav", "c.ogg"]


def test_a_folder_without_recordings_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="there is no recording in this folder"):
        recordings_in(tmp_path, "noise: folder")
    with pytest.raises(BadInput, match="there is no such folder"):
        recordings_in(tmp_path / "gone", "noise: folder")
