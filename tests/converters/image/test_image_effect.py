from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from safebench import registry
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Converter, Work
from safebench.rendering.chain import RenderJob, render
from safebench.rendering.recipes import Recipe, load_recipes
from safebench.types import Media, Query
from tests.media_files import picture_media

ROOT = Path(__file__).parents[3]
NAMES = ["jpeg", "blur", "image-noise", "resize", "crop", "rotation", "contrast"]
DEFAULT = {"resize": {"factor": 0.5}}


def floats(low, high):
    return st.floats(low, high, allow_nan=False)


OPTIONS = {
    "jpeg": st.fixed_dictionaries({"quality": st.integers(1, 95)}),
    "blur": st.fixed_dictionaries({"sigma": floats(0.5, 100)}),
    "image-noise": st.fixed_dictionaries({"sigma": floats(0.01, 255)}),
    "resize": st.fixed_dictionaries({"factor": floats(0.01, 4)})
    | st.fixed_dictionaries({"longest_side": st.integers(1, 300)}),
    "crop": st.fixed_dictionaries({"keep": floats(0.3, 1), "x": floats(0, 1), "y": floats(0, 1)}),
    "rotation": st.fixed_dictionaries({"degrees": floats(-360, 360), "expand": st.booleans()}),
    "contrast": st.fixed_dictionaries({"factor": floats(0.01, 10)}),
}
CASES = st.sampled_from(sorted(OPTIONS)).flatmap(lambda name: st.tuples(st.just(name), OPTIONS[name]))


def effect(name, **options):
    return registry.create(Converter, name, "test", **(options or DEFAULT.get(name, {})))


def work(media):
    return Work(Query("q7", "text"), "text", media)


GREYS = ("1", "L", "LA", "I;16")
MODES = [(mode, kind) for kind in ("PNG", "TIFF") for mode in (*GREYS, "P", "RGB", "RGBA")]
MODES += [("CMYK", "TIFF"), ("CMYK", "JPEG"), ("YCbCr", "TIFF"), ("L", "WEBP"), ("RGBA", "WEBP"), ("P", "GIF")]


@settings(max_examples=150)
@given(
    case=CASES,
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    how=st.sampled_from(MODES),
    seed=st.integers(0, 9),
)
def test_whatever_picture_and_options_the_result_is_a_whole_picture_or_an_error(case, size, how, seed):
    (name, options), (mode, kind) = case, how
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    picture = Image.fromarray(pixels).convert("L" if mode == "I;16" else "RGB" if mode == "YCbCr" else mode)
    given = picture_media(picture.convert(mode), kind)
    try:
        made = effect(name, **options).convert(work(given))
    except ConversionError as error:  # a crop of a few pixels
        assert str(error).endswith("pixels are left: nothing could be seen")  # noqa: PT017
        return
    with Image.open(io.BytesIO(made.read())) as opened:
        opened.load()
        assert opened.mode == ("L" if mode in GREYS and kind != "WEBP" else "RGB")
        assert made.mime == Image.MIME[opened.format]


@pytest.mark.parametrize("name", NAMES)
def test_every_effect_takes_and_gives_images(name):
    plugin = registry.load(Converter, name)
    assert (plugin.name, plugin.takes, plugin.gives) == (name, "image", "image")


def header_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be decoded"),
        (b"no picture at all", "cannot be decoded"),
        (picture_media(Image.new("RGB", (400, 400), "red")).read()[:-300], "cannot be decoded"),
        (header_of(20_000, 20_000), "decompression bomb"),
        (header_of(12_000, 12_000), "it has 12000x12000 pixels, more than 64 million"),
        (header_of(9_000, 9_000), "it has 9000x9000 pixels, more than 64 million"),
    ],
    ids=["empty", "text", "truncated", "bomb", "perhaps a bomb", "too large"],
)
@pytest.mark.filterwarnings("error")  # a warning beside the error would be said twice
def test_a_broken_picture_is_a_conversion_error_that_names_the_query(data, message):
    with pytest.raises(ConversionError, match=f"query 'q7': blur: .*{message}"):
        effect("blur").convert(work(Media.of("image", "image/png", data)))


def test_an_effect_as_first_step_says_what_is_missing():
    with pytest.raises(ConversionError, match="query 'q7': crop: there is no picture yet"):
        effect("crop").convert(work(None))


@pytest.mark.parametrize(
    ("name", "options", "size", "message"),
    [
        ("crop", {"keep": 0.001}, (300, 300), "0x0 pixels are left"),
        ("resize", {"factor": 16.0}, (3000, 3000), "48000x48000 pixels are more than 64 million"),
        ("rotation", {"degrees": 45.0}, (30000, 50), "21249x21249 pixels are more than 64 million"),
        ("jpeg", {}, (66000, 2), "66000x2 px: a JPEG file has 65500 at most each way"),
    ],
)
def test_nothing_left_and_too_much_are_refused(name, options, size, message):
    with pytest.raises(ConversionError, match=f"query 'q7': {name}: {message}"):
        effect(name, **options).convert(work(picture_media(Image.new("L", size))))


@pytest.mark.parametrize(("name", "option"), [("rotation", "fill"), ("blank", "colour")])
@pytest.mark.parametrize(("colour", "message"), [("whiet", "unknown color"), ("#ff000080", "not opaque")])
def test_a_colour_that_is_none_is_found_before_any_work(name, option, colour, message):
    with pytest.raises(BadInput, match=f"{option} = '{colour}'.*{message}"):
        effect(name, **{option: colour})


@pytest.mark.parametrize(
    ("name", "packages"),
    [("blur", ["pillow", "zlib"]), ("image-noise", ["pillow", "zlib", "numpy"]), ("static", ["zlib", "numpy"])],
)
def test_the_version_names_what_can_change_the_bytes(name, packages):
    assert all(package in registry.load(Converter, name).version for package in packages)


def test_same_work_same_bytes_in_another_process(picture, tmp_path):
    file = tmp_path / "picture.png"
    file.write_bytes(picture_media(picture).read())
    steps = [(name, DEFAULT.get(name, {})) for name in NAMES]
    code = (
        "import pathlib; from safebench import registry; from safebench.plugins import Converter, Work;"
        "from safebench.types import Media, Query;"
        f"media = Media.of('image', 'image/png', pathlib.Path({str(file)!r}).read_bytes());"
        f"print([registry.create(Converter, n, 't', **o).convert(Work(Query('q', ''), '', media, 5)).sha256"
        f" for n, o in {steps!r}])"
    )
    there = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    made = Work(Query("q", ""), "", picture_media(picture), 5)
    assert there.strip() == repr([effect(n, **o).convert(made).sha256 for n, o in steps])


def test_seed_query_step_and_options_draw_other_numbers(through, picture):
    others = [{}, {"seed": 1}, {"query": "q8"}, {"step": 2}, {"sigma": 26.0}]
    assert len({through("image-noise", picture, **other).tobytes() for other in others}) == 5


def test_effects_chain_in_a_recipe():
    steps = [{"use": "typographic"}, {"use": "blur", "sigma": 1.0}, {"use": "image-noise"}, {"use": "jpeg"}]
    recipe = Recipe(name="worn", medium="image", steps=steps, gate={"cer": 0.1})
    recipe.check()
    rendering = render(RenderJob(Query("q1", "How should I wash fresh fish?"), recipe, recogniser="rapidocr"))
    assert (rendering.failure, rendering.fidelity.status) == (None, "passed")
    assert rendering.media.mime == "image/jpeg"


@pytest.mark.parametrize("name", ["black", "white", "noise"])
def test_a_control_is_a_picture_without_the_query(name):
    rendering = render(RenderJob(Query("q1", "How should I wash fresh fish?"), load_recipes()["image", name]))
    pixels = np.asarray(Image.open(io.BytesIO(rendering.media.read())))
    assert rendering.faithful
    assert pixels.shape == (512, 512, 3)
    assert {"black": (0, 0), "white": (255, 255), "noise": (0, 255)}[name] == (pixels.min(), pixels.max())


def test_every_query_has_noise_of_its_own():
    recipe = load_recipes()["image", "noise"]
    one, again, two = (render(RenderJob(Query(id, "?"), recipe)).media.sha256 for id in ("a", "a", "b"))
    assert one == again != two
