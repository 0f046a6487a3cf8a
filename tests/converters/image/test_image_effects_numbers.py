"""What each effect does, against numpy, scipy and the formats' own tables."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0, 5.0, 12.0])
def test_blur_is_gaussian(through, sigma):
    pixels = np.zeros((121, 121), np.uint8)
    pixels[50:70, 40:80] = 250
    blurred = np.asarray(through("blur", Image.fromarray(pixels), sigma=sigma), dtype=float)
    expected = ndimage.gaussian_filter(pixels.astype(float), sigma, mode="nearest")
    assert np.abs(blurred - expected).max() < 6  # box filters, three times


def test_noise_has_the_standard_deviation_that_was_asked_for(through):
    grey = Image.new("RGB", (300, 300), (128, 128, 128))
    noisy = np.asarray(through("image-noise", grey, sigma=20.0), dtype=float)
    assert noisy.std() == pytest.approx(20.0, rel=0.02)
    assert noisy.mean() == pytest.approx(128.0, abs=0.3)
    assert abs(np.corrcoef(noisy[..., 0].ravel(), noisy[..., 1].ravel())[0, 1]) < 0.02


@pytest.mark.parametrize(("level", "more"), [(128, 0.0), (0, 3.01), (255, 3.01)])
def test_noise_has_the_psnr_that_its_docstring_promises(through, level, more):
    """20 log10(255 / 20) = 22.11 dB, and twice the ratio where half of the noise is cut away."""
    noisy = np.asarray(through("image-noise", Image.new("L", (400, 400), level), sigma=20.0), dtype=float)
    assert 10 * np.log10(255**2 / np.square(noisy - level).mean()) == pytest.approx(22.11 + more, abs=0.1)


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (-90, 3), (360, 0)])
def test_rotation_by_right_angles_loses_nothing(through, picture, degrees, turns):
    assert (np.asarray(through("rotation", picture, degrees=degrees)) == np.rot90(np.asarray(picture), turns)).all()


def test_rotation_keeps_every_corner(through):
    """A black frame around white: turned by 30°, its four sides are still there."""
    frame = Image.new("L", (100, 60), 0)
    frame.paste(255, (3, 3, 97, 57))
    turned = np.asarray(through("rotation", frame, degrees=30, fill="white"))
    assert turned.shape == pytest.approx((102, 117), abs=2)  # 60 cos 30° + 100 sin 30°, 100 cos 30° + 60 sin 30°
    assert (turned < 128).sum() == pytest.approx(100 * 60 - 94 * 54, rel=0.05)


def test_without_a_larger_sheet_rotation_keeps_the_size_and_the_middle(through, picture):
    turned = np.asarray(through("rotation", picture, degrees=180, expand=False))
    assert (turned == np.rot90(np.asarray(picture), 2)).all()
    tilted = through("rotation", picture, degrees=90, expand=False, fill="#102030")
    assert tilted.size == picture.size
    assert tilted.getpixel((0, 0)) == (16, 32, 48)
    assert (np.asarray(tilted)[2:62, 18:78] == np.rot90(np.asarray(picture))[18:78, 2:62]).all()


@pytest.mark.parametrize(("fill", "corner"), [("white", 255), ("#102030", (16, 32, 48))])
def test_a_grey_picture_gets_the_corners_that_were_asked_for(through, fill, corner):
    assert through("rotation", Image.new("L", (60, 60)), degrees=45, fill=fill).getpixel((0, 0)) == corner


def test_contrast_moves_levels_towards_the_middle(through, picture):
    before, after = np.asarray(picture, dtype=float), np.asarray(through("contrast", picture, factor=0.3), dtype=float)
    assert np.abs(after - (128 + 0.3 * (before - 128))).max() <= 0.5
    assert (np.asarray(through("contrast", picture, factor=1.0)) == np.asarray(picture)).all()


def test_crop_takes_the_part_that_was_asked_for(through, picture):
    pixels = np.asarray(picture)
    assert (np.asarray(through("crop", picture, keep=0.5)) == pixels[16:48, 24:72]).all()
    assert (np.asarray(through("crop", picture, keep=0.5, x=0.0, y=1.0)) == pixels[32:, :48]).all()


@pytest.mark.parametrize(
    ("options", "size"),
    [({"factor": 0.5}, (48, 32)), ({"longest_side": 24}, (24, 16)), ({"longest_side": 192}, (192, 128))],
)
def test_resize_keeps_the_proportions(through, picture, options, size):
    assert through("resize", picture, **options).size == size


def test_nearest_neighbours_double_every_pixel(through, picture):
    doubled = np.asarray(through("resize", picture, factor=2.0, filter="nearest"))
    assert (doubled == np.asarray(picture).repeat(2, axis=0).repeat(2, axis=1)).all()


@pytest.mark.parametrize("filter", ["bilinear", "bicubic", "lanczos"])
def test_lines_too_fine_for_the_smaller_picture_turn_grey(through, filter):
    lines = Image.fromarray(np.tile(np.array([0, 0, 255, 255], np.uint8), (96, 24)))
    small = np.asarray(through("resize", lines, factor=0.25, filter=filter), dtype=float)
    assert np.abs(small[:, 4:-4] - 127.5).max() < 3
    assert set(np.unique(through("resize", lines, factor=0.25, filter="nearest"))) <= {0, 255}


def test_jpeg_is_written_with_the_tables_of_its_quality(through, picture):
    """ITU-T T.81, table K.1: its smallest steps are 10, 11, 12, 12; libjpeg doubles them at a quality of 25."""
    tables = through("jpeg", picture, quality=25).quantization
    assert sorted(tables[0])[:4] == [20, 22, 24, 24]
    errors = [
        float(np.square(np.asarray(through("jpeg", picture, quality=q), dtype=float) - np.asarray(picture)).mean())
        for q in (5, 25, 75, 95)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 4 * errors[-1]
