import json
import struct
import zlib

import pytest

from converters.text_to_image.openai_images import OpenAIImages
from safebench.errors import BadInput, ConversionError, TargetRefusesService
from safebench.plugins import Work
from safebench.testing.server import Reply, dropped, error, image
from safebench.types import Query
from tests.converters.text_to_image.drawn import blank, picture

TEXT = "A brass lock on a green door."


def converter(server, **options):
    given = {"model": "painter", "base_url": server.url, "retries": 0, **options}
    return OpenAIImages(OpenAIImages.Options(**given))


def work(text=TEXT, **more):
    return Work(Query("q9", text), text, **more)


def convert(server, text=TEXT, **options):
    return converter(server, **options).convert(work(text))


def link(url):
    return Reply(json.dumps({"data": [{"url": url}]}).encode())


def bomb(width, height):
    """A PNG of a few bytes that claims a size and holds no pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("kind", "mime"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_a_picture_is_kept_as_it_comes(serve, kind, mime):
    server = serve(lambda call: image(picture(kind=kind)))
    media = convert(server)
    assert (media.medium, media.mime, media.read()) == ("image", mime, picture(kind=kind))
    (call,) = server.calls
    assert call.path == "/v1/images/generations"
    assert call.body == {"model": "painter", "prompt": TEXT}


def test_what_the_recipe_says_is_sent_and_nothing_else(serve):
    server = serve(lambda call: image(picture()))
    convert(server, size="512x512", quality="high", response_format="b64_json", extra={"negative_prompt": "text"})
    given = {"size": "512x512", "quality": "high", "response_format": "b64_json", "negative_prompt": "text"}
    assert server.calls[0].body == {"model": "painter", "prompt": TEXT, **given}


def test_a_seed_is_the_same_for_the_same_work_and_another_for_another_try(serve):
    server = serve(lambda call: image(picture()))
    seeded = converter(server, seeded=True)
    for changed in ({}, {}, {"attempt": 1}, {"seed": 5}):
        seeded.convert(work(**changed))
    first, again, tried, other = (call.body["seed"] for call in server.calls)
    assert first == again
    assert len({first, tried, other}) == 3


def test_a_prompt_that_the_endpoint_revised_is_kept(serve):
    server = serve(lambda call: image(picture(), revised_prompt="A golden \ud800 lock."))
    asked = work()
    converter(server).convert(asked)
    (draft,) = asked.notes.drafts
    assert (draft.prompt, draft.answer) == (TEXT, "A golden ? lock.")


# --- links


def test_a_link_to_the_endpoint_itself_is_followed_with_the_key(serve, monkeypatch):
    monkeypatch.setenv("PAINTER_KEY", "sk-secret")
    server = serve(lambda call: link("/made/1.jpg"))
    server.pages["/made/1.jpg"] = Reply(picture(kind="JPEG"), headers={"Content-Type": "image/jpeg"})
    assert convert(server, api_key_env="PAINTER_KEY").mime == "image/jpeg"


@pytest.mark.parametrize(
    "url",
    ["https://pictures.example.com/1.png", "http://127.0.0.1:1/1.png", "file:///etc/hostname", "http://[", "//x/1"],
)
def test_a_link_to_anywhere_else_is_not_followed(serve, url):
    with pytest.raises(ConversionError, match=r"another host.*not followed: set response_format"):
        convert(serve(lambda call: link(url)))


def test_a_link_that_leads_elsewhere_is_not_followed(serve):
    other = serve(lambda call: image(picture()))
    other.pages["/1.png"] = Reply(picture())
    server = serve(lambda call: link("/made/1.png"))
    elsewhere = other.url.removesuffix("/v1") + "/1.png"
    server.pages["/made/1.png"] = Reply(status=302, headers={"Location": elsewhere})
    with pytest.raises(ConversionError, match="a link that cannot be read"):
        convert(server)


def behind_a_link(serve, **reply):
    server = serve(lambda call: link("/made/1.png"))
    server.pages["/made/1.png"] = Reply(**reply)
    return server


def test_a_link_to_far_too_much_is_given_up(serve):
    server = behind_a_link(serve, body=picture())
    with pytest.raises(ConversionError, match=r"larger than 0\.0001 MB \(largest_answer_mb\)"):
        convert(server, largest_answer_mb=0.0001)


def test_a_link_to_a_picture_that_drips_in_is_given_up_after_the_time_of_one_attempt(serve):
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    server = behind_a_link(serve, wire=head + bytes(400), drip=0.01)
    with pytest.raises(ConversionError, match=r"no answer within 0\.5 s"):
        convert(server, timeout=0.5)


def test_a_link_to_a_picture_that_breaks_off_is_none(serve):
    server = behind_a_link(serve, wire=b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + picture())
    with pytest.raises(ConversionError, match=r"a link that cannot be read.*IncompleteRead"):
        convert(server)


def test_a_picture_inside_the_link_needs_no_request(serve):
    inside = json.loads(image(picture()).body)["data"][0]["b64_json"]
    assert convert(serve(lambda call: link(f"data:image/png;base64,{inside}"))).read() == picture()


# --- what is no picture


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(b""), "something else than JSON: nothing"),
        (Reply(b"<html>Sign in</html>"), "something else than JSON: <html>Sign in"),
        (Reply(b'{"error": {"message": "no paint today"}}'), "without a picture: no paint today"),
        (Reply(b'{"data": []}'), "without a picture"),
        (Reply(b'{"data": [{"b64_json": null}]}'), "without a picture"),
        (Reply(b'{"data": [{"b64_json": "no base64!"}]}'), "not base64"),
        (image(b""), "without a picture"),
        (image(b"I cannot draw that"), "is no PNG, JPEG or WebP picture"),
        (image(picture()[:-30]), "no picture that can be read"),
        (image(picture(kind="JPEG")[:-200]), "no picture that can be read"),
        (image(picture(kind="GIF")), "is no PNG, JPEG or WebP picture"),
        (image(blank()), "is blank"),
        (image(blank("JPEG")), "is blank"),
        (image(bomb(9000, 9000)), "has 9000x9000 pixels"),
        (image(bomb(20000, 20000)), "decompression bomb"),
        (error(400, "prompt is too long"), "answered 400: prompt is too long"),
        (error(400, "Unknown parameter: 'moderation'", code="unknown_parameter"), "answered 400: Unknown parameter"),
        (Reply(b'{"error": {"message": "content_filter is no option"}}'), "without a picture: content_filter is no"),
        (error(500, "boom \ud800"), r"answered 500: boom \?"),
        (dropped(), "Server disconnected"),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_no_picture_is_never_one(serve, reply, message):
    with pytest.raises(ConversionError, match=f"query 'q9': .*{message}") as failed:
        convert(serve(lambda call: reply))
    assert "declined" not in str(failed.value)


@pytest.mark.parametrize(
    "reply",
    [
        error(400, "Your request was rejected by our safety system.", code="content_policy_violation"),
        error(400, "rejected", code="moderation_blocked"),
        error(403, "task failed", code="contentFilter"),
        Reply(b'{"data": [{"finish_reason": "content_filter"}]}'),
    ],
)
def test_a_filters_stop_is_told_as_what_it_is(serve, reply):
    with pytest.raises(ConversionError, match=r"query 'q9': painter at .* declined: answered"):
        convert(serve(lambda call: reply))


def test_a_busy_endpoint_is_asked_again(serve):
    server = serve(lambda call: image(picture()) if call.number else error(429, retry_after_ms="1"))
    assert convert(server, retries=1).read() == picture()
    assert len(server.calls) == 2


def test_an_endpoint_that_hangs_is_given_up(serve):
    with pytest.raises(ConversionError, match="timed out"):
        convert(serve(lambda call: Reply(delay=20)), timeout=0.2)


def test_of_nothing_no_picture_is_asked(serve):
    server = serve(lambda call: image(picture()))
    with pytest.raises(ConversionError, match="'q9': there is no text"):
        convert(server, " \n")
    assert not server.calls


# --- before the run


def test_a_rejected_key_is_found_before_anything_is_drawn(serve, monkeypatch):
    monkeypatch.setenv("PAINTER_KEY", "sk-secret")
    server = serve(lambda call: image(picture()))
    server.pages["/v1/models"] = error(401, "wrong key sk-secret")
    with pytest.raises(BadInput, match=r"rejects the key in PAINTER_KEY: wrong key \(key\)"):
        converter(server, api_key_env="PAINTER_KEY").check()


def test_an_endpoint_that_does_not_list_its_models_may_draw_all_the_same(serve):
    server = serve(lambda call: image(picture()))
    server.pages["/v1/models"] = error(404, "no such page")
    converter(server).check()


def test_nobody_there_is_found_before_anything_is_drawn():
    options = OpenAIImages.Options(model="painter", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(BadInput, match=r"no endpoint answers at http://127.0.0.1:9/v1"):
        OpenAIImages(options).check()


def test_the_key_is_sent_and_never_shown(serve, monkeypatch):
    monkeypatch.setenv("PAINTER_KEY", "sk-secret")
    server = serve(lambda call: error(401, "wrong key sk-secret"))
    with pytest.raises(TargetRefusesService, match="answered 401: wrong key") as raised:
        convert(server, api_key_env="PAINTER_KEY")
    assert server.calls[0].headers["authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in str(raised.value)


def test_elsewhere_a_key_is_needed():
    with pytest.raises(BadInput, match=r"no key for https://api.openai.com/v1: set OPENAI_API_KEY"):
        OpenAIImages(OpenAIImages.Options(model="painter"))


@pytest.mark.parametrize(
    ("url", "message"),
    [("ftp://somewhere", "not an http"), ("http://me:secret@127.0.0.1/v1", "no key belongs into base_url")],
)
def test_a_url_that_will_not_do_is_told_without_its_key(url, message):
    with pytest.raises(BadInput, match=message) as failed:
        OpenAIImages(OpenAIImages.Options(model="painter", base_url=url))
    assert "secret" not in str(failed.value)
