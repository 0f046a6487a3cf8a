import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from converters.text_to_speech.recorded import Recorded
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Work
from safebench.types import Query
from tests.converters.text_to_speech.standard import assert_standard

RATE = 44100
VOICE = 0.1 * np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE)


def convert(folder, id="q1", **options):
    return Recorded(Recorded.Options(folder=folder, **options)).convert(Work(Query(id, "Hello."), "Hello."))


def record(file, samples=VOICE, **how):
    soundfile.write(file, samples, RATE, **how)
    return file


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "ogg"])
def test_the_recording_with_the_querys_id_is_brought_to_the_standard(tmp_path, ending):
    record(tmp_path / f"q1.{ending}")
    assert_standard(convert(tmp_path))


def test_eight_channels_are_mixed_to_one(tmp_path):
    record(tmp_path / "q1.wav", np.stack([VOICE] + 7 * [np.zeros(RATE)], axis=1))
    assert_standard(convert(tmp_path))


def test_channels_that_cancel_each_other_are_no_clip(tmp_path):
    record(tmp_path / "q1.wav", np.stack([VOICE, -VOICE], axis=1))
    with pytest.raises(ConversionError, match=r"query 'q1': .*silent clip"):
        convert(tmp_path)


def test_a_gap_names_the_query_and_what_was_looked_for(tmp_path):
    with pytest.raises(ConversionError, match=r"query 'q7': there is no recording .*q7\.wav, q7\.flac"):
        convert(tmp_path, "q7")


def test_two_recordings_of_one_query_are_never_chosen_between(tmp_path):
    record(tmp_path / "q1.wav")
    record(tmp_path / "q1.flac")
    with pytest.raises(ConversionError, match=r"more than one recording: q1\.wav, q1\.flac"):
        convert(tmp_path)


def damaged(file, how):
    data = record(file).read_bytes()
    file.write_bytes(how(data))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda data: b"", "is empty"),
        (lambda data: b"not a recording at all", "no recording that can be decoded"),
        (lambda data: b"RIFX" + data[4:], "no recording that can be decoded"),
        (lambda data: data[:44], "is cut: 0 of 88200"),
        (lambda data: data[:5000], "is cut: 4956 of 88200"),
        (lambda data: data[:24] + bytes(4) + data[28:], "decoded|sample rate"),
    ],
)
def test_a_damaged_file_is_no_clip(tmp_path, how, message):
    damaged(tmp_path / "q1.wav", how)
    with pytest.raises(ConversionError, match=f"query 'q1': the recording 'q1.wav' .*({message})"):
        convert(tmp_path)


@pytest.mark.parametrize(
    ("samples", "message"),
    [(np.zeros(0), "no samples"), (np.full(RATE, np.nan), "not finite"), (np.zeros(RATE), "silent clip")],
)
def test_a_recording_without_sound_is_no_clip(tmp_path, samples, message):
    record(tmp_path / "q1.wav", samples, subtype="FLOAT")
    with pytest.raises(ConversionError, match=message):
        convert(tmp_path)


@pytest.mark.parametrize(
    "id", ["../secret", "..", "a/b", "/etc/passwd", "a\\b", "a\0b", ".hidden", "", "x" * 300, "a\nb"]
)
def test_an_id_that_is_no_plain_name_never_opens_a_file(tmp_path, id):
    folder = tmp_path / "clips"
    folder.mkdir()
    record(tmp_path / "secret.wav")
    with pytest.raises(ConversionError, match=r"no plain file name: name its recording in index\.csv"):
        convert(folder, id)


def test_a_link_that_leads_out_is_refused(tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "q1.wav").symlink_to(record(tmp_path / "secret.wav"))
    with pytest.raises(ConversionError, match="leads out of the folder"):
        convert(folder)


def test_a_separator_in_ids_leads_into_folders(tmp_path):
    (tmp_path / "3").mkdir()
    record(tmp_path / "3" / "17.wav")
    assert_standard(convert(tmp_path, "3-17", separator="-"))
    with pytest.raises(ConversionError, match=r"looked for 3/18\.wav"):
        convert(tmp_path, "3-18", separator="-")
    with pytest.raises(ConversionError, match="no plain file name"):
        convert(tmp_path / "3", "..-17", separator="-")


@pytest.mark.parametrize(
    ("id", "name"), [("q1", "q1.WAV"), ("caf\u00e9", "cafe\u0301.wav"), ("cafe\u0301", "caf\u00e9.Wav")]
)
def test_a_name_may_be_spelt_otherwise(tmp_path, id, name):
    record(tmp_path / name, format="WAV")
    assert_standard(convert(tmp_path, id))


@pytest.mark.parametrize("name", ["3/17.wav", "3/17.WAV", "3/17.flac", "3/17.Mp3"])
def test_the_clips_of_the_papers_release_are_found_by_its_ids(tmp_path, name):
    (tmp_path / "3").mkdir()
    record(tmp_path / name, format=name[-3:].upper().replace("LAC", "FLAC"))
    assert_standard(convert(tmp_path, "3-17", separator="-"))


def test_a_folder_may_be_spelt_otherwise(tmp_path):
    (tmp_path / "cafe\u0301").mkdir()
    record(tmp_path / "cafe\u0301" / "1.WAV", format="WAV")
    assert_standard(convert(tmp_path, "caf\u00e9-1", separator="-"))
    with pytest.raises(ConversionError, match="there is no recording"):
        convert(tmp_path, "cafe-1", separator="-")


def test_two_spellings_of_a_name_are_never_chosen_between(tmp_path):
    record(tmp_path / "q1.WAV", format="WAV")
    record(tmp_path / "q1.Wav", format="WAV")
    with pytest.raises(ConversionError, match=r"more than one recording: q1\.WAV, q1\.Wav"):
        convert(tmp_path)


def test_a_link_under_another_spelling_leads_nowhere_either(tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "q1.WAV").symlink_to(record(tmp_path / "secret.wav"))
    with pytest.raises(ConversionError, match="leads out of the folder"):
        convert(folder)


@pytest.mark.parametrize(
    "index",
    [
        "Id;File\r\ncaf\u00e9;takes/7.wav\r\n",
        "\ufefffile\tid\ntakes/7.WAV\tcafe\u0301\n\t\n",
        "id,file,\n\ncaf\u00e9,takes/7.wav,\n",
        "sep=;\n ID ;File;note\ncafé;takes/7.wav;a, b\n",
    ],
)
def test_an_index_is_read_as_spreadsheets_save_it(tmp_path, index):
    (tmp_path / "takes").mkdir()
    record(tmp_path / "takes" / "7.wav")
    (tmp_path / "index.csv").write_text(index, encoding="utf-8")
    assert_standard(convert(tmp_path, "caf\u00e9"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("id,file\ncafé,7.wav".encode("latin-1"), "is not UTF-8: save it as UTF-8"),
        ("id,file\nq1,7.wav".encode("utf-16"), "is not UTF-8: save it as UTF-8"),
        (b"name,file\nq1,7.wav\n", "needs an id and a file in columns of these names, and has name,file"),
        (b"", "needs an id and a file in columns of these names, and has none"),
        (b"id,file\nq1,a, b.wav\n", "line 2: more fields than the header has columns"),
        (b'id,file\nq1,"7.wav\n', "line 2 and after it: cannot be read: a cell that begins with a quotation mark"),
        (b"Id,ID,file\nq1,q2,a.wav\n", "columns 'Id' and 'ID' are both 'id'"),
    ],
)
def test_an_index_that_cannot_be_read_is_one_clear_line(tmp_path, data, message):
    (tmp_path / "index.csv").write_bytes(data)
    with pytest.raises(BadInput, match=message):
        convert(tmp_path)


def test_an_index_names_files_for_odd_ids(tmp_path):
    (tmp_path / "takes").mkdir()
    record(tmp_path / "takes" / "7.wav")
    (tmp_path / "index.csv").write_text("id,file\nset/7?,takes/7.wav\n")
    assert_standard(convert(tmp_path, "set/7?"))


def test_an_index_cannot_lead_out_either(tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    record(tmp_path / "secret.wav")
    (folder / "index.csv").write_text("id,file\nq1,../secret.wav\n")
    with pytest.raises(ConversionError, match="leads out of the folder"):
        convert(folder)


@pytest.mark.parametrize(
    ("index", "message"),
    [("id,clip\nq1,a.wav\n", "needs an id and a file"), ("id,file\nq1,a.wav\nq1,b.wav\n", "named twice")],
)
def test_a_wrong_index_is_told_at_construction(tmp_path, index, message):
    (tmp_path / "index.csv").write_text(index)
    with pytest.raises(BadInput, match=message):
        Recorded(Recorded.Options(folder=tmp_path))


def test_a_missing_folder_is_told_at_construction(tmp_path):
    with pytest.raises(BadInput, match="does not exist"):
        Recorded(Recorded.Options(folder=tmp_path / "nowhere"))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60), st.binary(max_size=200))
def test_whatever_the_id_and_the_bytes_the_end_is_a_clip_or_a_clear_error(tmp_path, id, data):
    (tmp_path / "q1.wav").write_bytes(b"RIFF" + data)
    for one in (id, "q1"):
        with pytest.raises(ConversionError, match="query"):
            convert(tmp_path, one)
