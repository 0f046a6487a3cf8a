"""Decoding and writing against levels that are known, and against files of every kind of damage."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from converters.pictures import FORMATS, MIME, check_whole, decode, png
from tests.media_files import saved

GREY = np.random.default_rng(0).integers(0, 256, (30, 40), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
RAMP = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def levels(data: bytes) -> np.ndarray:
    return np.asarray(decode(data))


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("pixels", [GREY, COLOUR // 64 * 64], ids=["grey", "colour"])  # GIF has 256 colours at most
def test_what_keeps_every_level_is_read_as_it_was_written(kind: str, pixels: np.ndarray) -> None:
    written = Image.fromarray(pixels)
    assert decode(saved(written, kind)).convert("RGB").tobytes() == written.convert("RGB").tobytes()


@pytest.mark.parametrize(
    ("picture", "kind", "expected"),
    [
        (Image.new("1", (3, 2), 1), "PNG", 255),
        (Image.new("LA", (3, 2), (40, 0)), "PNG", 255),
        (Image.new("LA", (3, 2), (40, 255)), "PNG", 40),
        (Image.new("RGBA", (3, 2), (200, 0, 100, 0)), "PNG", (255, 255, 255)),
        (Image.new("RGBA", (3, 2), (200, 0, 100, 51)), "PNG", (244, 204, 224)),  # 255 + 0.2 (level - 255)
        (Image.new("RGBA", (3, 2), (200, 0, 100, 255)).quantize(), "PNG", (200, 0, 100)),
        (Image.new("RGBA", (3, 2), (200, 0, 100, 0)).quantize(), "PNG", (255, 255, 255)),
        (Image.new("CMYK", (3, 2), (0, 255, 255, 0)), "TIFF", (255, 0, 0)),
        (Image.new("CMYK", (3, 2), (0, 0, 0, 255)), "TIFF", (0, 0, 0)),
    ],
)
def test_every_mode_becomes_grey_or_colour_on_white(picture: Image.Image, kind: str, expected: Any) -> None:
    read = decode(saved(picture, kind))
    assert (read.mode, read.getpixel((1, 1))) == ("L" if isinstance(expected, int) else "RGB", expected)


@pytest.mark.parametrize(("mode", "key"), [("1", 0), ("L", 0), ("RGB", (0, 0, 0)), ("P", 0)])
def test_a_colour_that_stands_for_transparent_is_white(mode: str, key: Any) -> None:
    """White letters on a transparent ground, which a file says by naming one level: nothing can be seen."""
    picture = Image.new("L", (9, 9), 0)
    picture.paste(255, (3, 3, 6, 6))
    assert levels(saved(picture.convert(mode), transparency=key)).min() == 255


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_shades(kind: str) -> None:
    assert (levels(saved(Image.fromarray(RAMP), kind)) == RAMP // 256).all()


@pytest.mark.parametrize("type", [np.int32, np.float32])
def test_levels_without_a_known_range_are_refused(type: Any) -> None:
    with pytest.raises(ValueError, match="32-bit levels"):
        decode(saved(Image.fromarray(RAMP.astype(type)), "TIFF"))


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_a_picture_stands_upright_as_its_camera_said(orientation: int, turns: int) -> None:
    """Exif 2.32, 4.6.4: 6 has the first row on the right, so a viewer turns it clockwise."""
    data = saved(Image.fromarray(COLOUR), "PNG", exif=turned(orientation))
    assert (levels(data) == np.rot90(COLOUR, turns)).all()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_stands_for_all(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("#ff0000", "#0000ff")]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    assert np.abs(levels(data).astype(int) - (255, 0, 0)).max() <= 2


@pytest.mark.parametrize("kind", ["EPS", "PPM", "PCX", "JPEG2000", "SGI"])
def test_other_formats_are_not_even_opened(kind: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be decoded: it is none of PNG, JPEG, WEBP, GIF, BMP, TIFF$"):
        decode(saved(Image.fromarray(COLOUR), kind))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_is_refused(kind: str, share: float) -> None:
    data = saved(Image.fromarray(COLOUR), kind)
    for reader in (decode, lambda cut: check_whole(cut, MIME[kind])):
        with pytest.raises(ValueError, match="cannot be decoded"):
            reader(data[: int(share * len(data))])


@pytest.mark.parametrize("kind", FORMATS)
def test_a_whole_file_is_whole(kind: str) -> None:
    check_whole(saved(Image.fromarray(COLOUR), kind), MIME[kind])


def test_one_wrong_byte_of_a_png_is_found() -> None:
    data = bytearray(saved(Image.fromarray(COLOUR)))
    data[len(data) // 2] ^= 1
    with pytest.raises(ValueError, match="cannot be decoded"):
        check_whole(bytes(data), "image/png")


def test_a_png_whose_pixels_cannot_be_decoded_is_found_though_its_checksums_are_right() -> None:
    for pixels in (zlib.compress(b"no rows of pixels"), b"no compressed data at all"):
        with pytest.raises(ValueError, match="cannot be decoded"):
            check_whole(png_of(pixels), "image/png")


def png_of(pixels: bytes) -> bytes:
    """A PNG of 8 x 8 px, each of its parts with the right checksum."""
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    whole = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(whole)


@pytest.mark.parametrize("mime", ["image/jpeg", "image/jpg", "text/html", "", "IMAGE/PNG"])
def test_a_picture_is_of_the_kind_that_it_says(mime: str) -> None:
    with pytest.raises(ValueError, match=f"^the image is image/png, and not {mime} as it says$"):
        check_whole(saved(Image.fromarray(COLOUR)), mime)


WHOLE = [saved(Image.fromarray(pixels), kind) for kind in FORMATS for pixels in (GREY, COLOUR)]
WHOLE += [saved(Image.fromarray(COLOUR), kind, exif=turned(6)) for kind in ("PNG", "JPEG", "WEBP", "TIFF")]
WHOLE += [saved(Image.fromarray(GREY), transparency=3), saved(Image.fromarray(RAMP))]


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # Pillow tells of tags that it skips
@settings(max_examples=300)
@given(data=st.sampled_from(WHOLE), changes=st.lists(st.tuples(st.integers(0, 300), st.binary(max_size=4)), max_size=6))
def test_damage_gives_a_picture_or_a_value_error(data: bytes, changes: list[tuple[int, bytes]]) -> None:
    for at, new in changes:
        data = data[:at] + new + data[at + max(1, len(new)) :]
    try:
        picture = decode(data)
    except ValueError as error:
        assert " at 0x" not in str(error)  # noqa: PT017  no address in memory: the message is stored
    else:
        assert picture.mode in ("L", "RGB")


# --- writing


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_another_decoder_reads_back_every_pixel(mode: str) -> None:
    image = Image.effect_noise((67, 31), 80).convert(mode)
    read = Image.open(io.BytesIO(png(image).read()))
    assert (read.format, read.mode, read.size) == ("PNG", mode, (67, 31))
    assert ImageChops.difference(read, image).getbbox() is None


def test_photographs_are_filtered_and_come_back_too() -> None:
    grey = Image.linear_gradient("L").resize((300, 200))
    image = Image.merge("RGB", (grey, grey.rotate(180), Image.effect_noise((300, 200), 8)))
    data = png(image).read()
    assert ImageChops.difference(Image.open(io.BytesIO(data)), image).getbbox() is None
    assert len(data) < 0.6 * image.width * image.height * 3
    assert png(image).read() == data
