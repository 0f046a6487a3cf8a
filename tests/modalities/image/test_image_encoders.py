import base64

import pytest

from modalities.image import ImageModality
from safebench.types import Media

ENCODER = ImageModality.encoders["openai"]
DATA = bytes(range(256))
URI = "data:image/webp;base64," + base64.b64encode(DATA).decode()


def answer(url):
    return {"content": "Here.", "images": [{"type": "image_url", "image_url": {"url": url}}]}


def test_an_image_travels_as_a_data_uri():
    part = ENCODER.encode(Media.of("image", "image/png", DATA))
    assert part == {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64," + base64.b64encode(DATA).decode()},
    }


def test_an_image_in_the_answer_is_kept_with_its_type():
    [(media, transcript)] = ENCODER.decode(answer(URI))
    assert (media, media.read(), transcript) == (Media.of("image", "image/webp", DATA), DATA, "")


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"content": "text"},
        {"images": None},
        {"images": []},
        {"images": ["x"]},
        answer("https://example.org/a.png"),
        answer(None),
    ],
)
def test_no_data_no_image_and_no_link_is_followed(message):
    assert ENCODER.decode(message) is None


def test_all_images_are_read_or_none_is():
    images = [{"image_url": {"url": URI}}, {"image_url": URI}]
    assert [media.read() for media, _ in ENCODER.decode({"images": images})] == [DATA, DATA]
    assert ENCODER.decode({"type": "image_url", "image_url": {"url": URI}})[0][0].read() == DATA
    assert ENCODER.decode({"images": [*images, {"image_url": "https://example.org/a.png"}]}) is None


def test_malformed_base64_is_a_value_error():
    with pytest.raises(ValueError, match="not base64"):
        ENCODER.decode(answer("data:image/png;base64,@@@"))
