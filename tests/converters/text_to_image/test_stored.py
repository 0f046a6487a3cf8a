from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from converters.text_to_image.stored import Stored
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Work
from safebench.types import Draft, Media, Query


def convert(folder: Path, id: str = "3-17", **options: str) -> Media:
    return Stored(Stored.Options(folder=folder, **options)).convert(Work(Query(id, "Hello."), "Hello."))


def draw(file: Path, **how: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.radial_gradient("L").save(file, **how)
    return file


@pytest.mark.parametrize(("ending", "kind"), [("png", "png"), ("jpg", "jpeg"), ("webp", "webp"), ("gif", "gif")])
def test_a_picture_is_given_byte_for_byte(tmp_path: Path, ending: str, kind: str) -> None:
    file = draw(tmp_path / f"3-17.{ending}")
    media = convert(tmp_path)
    assert media.read() == file.read_bytes()
    assert media.mime == f"image/{kind}"


def test_the_kind_is_told_by_the_bytes_and_not_by_the_name(tmp_path: Path) -> None:
    draw(tmp_path / "3-17.png", format="JPEG")
    assert convert(tmp_path).mime == "image/jpeg"


def test_a_separator_leads_into_folders(tmp_path: Path) -> None:
    draw(tmp_path / "3" / "17.png")
    assert convert(tmp_path, separator="-").mime == "image/png"


@pytest.mark.parametrize("id", ["..-secret", "-secret", "a/b", "3-"])
def test_a_separator_never_leads_out_of_the_folder(tmp_path: Path, id: str) -> None:
    draw(tmp_path / "secret.png")
    (tmp_path / "pictures").mkdir()
    with pytest.raises(ConversionError, match="no plain file name"):
        convert(tmp_path / "pictures", id, separator="-")


def drafts(folder: Path, id: str, *prompts: str) -> list[Draft]:
    work = Work(Query(id, "Hello."), "Hello.")
    Stored(Stored.Options(folder=folder, separator="-", prompts=prompts)).convert(work)
    return work.notes.drafts


def test_the_prompt_of_a_picture_stands_in_the_table_beside_it(tmp_path: Path) -> None:
    for row in (1, 2, 3, 4):
        draw(tmp_path / "3" / f"{row}.png")
    (tmp_path / "3" / "a1.csv").write_text("other\n")
    (tmp_path / "3" / "out3.csv").write_text('"A bird,\nin flight"\n\n"A tree"\n')
    assert drafts(tmp_path, "3-1", "out{}.csv") == [Draft("A bird,\nin flight")]
    assert drafts(tmp_path, "3-3", "none{}.csv", "[!a]*.csv") == [Draft("A tree")]
    assert drafts(tmp_path, "3-2", "out{}.csv") == drafts(tmp_path, "3-4", "out{}.csv") == []
    assert drafts(tmp_path, "3-1", "*.csv") == drafts(tmp_path, "3-1") == []


def test_a_table_of_prompts_that_lies_elsewhere_or_cannot_be_read_is_none(tmp_path: Path) -> None:
    draw(tmp_path / "3" / "1.png")
    (tmp_path / "secret.csv").write_text("secret\n")
    (tmp_path / "3" / "out3.csv").symlink_to(tmp_path / "secret.csv")
    (tmp_path / "3" / "bad3.csv").write_text('"open\n')
    assert drafts(tmp_path, "3-1", "out{}.csv", "bad{}.csv") == []


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n and no more"])
def test_a_damaged_file_is_no_picture(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "3-17.png").write_bytes(data)
    with pytest.raises(ConversionError, match=r"query '3-17': the picture '3-17\.png' is none that can be decoded"):
        convert(tmp_path)


def test_a_picture_that_was_cut_is_refused(tmp_path: Path) -> None:
    file = draw(tmp_path / "3-17.png")
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ConversionError, match="decoded"):
        convert(tmp_path)


def test_a_gap_names_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"no picture .*3-17\.png, 3-17\.jpg"):
        convert(tmp_path)


def test_a_missing_folder_is_told_at_construction(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="of pictures does not exist"):
        convert(tmp_path / "nowhere")
