import io
import json

import pytest
from PIL import Image

from converters.image.clip_score import ClipScore
from modalities.image import ImageModality
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Checking, Work
from safebench.types import Media, Query
from tests.local.tiny_clip import LENGTH, clip
from tests.local.tiny_models import transformers_vits
from tests.media_files import picture_media

QUERY = Query("q9", "how is bread made")


def picture(kind="PNG", mode="RGB"):
    return picture_media(Image.radial_gradient("L").resize((48, 40)).convert(mode), kind)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def score(folder):
    return ClipScore(ClipScore.Options(model=str(folder), device="cpu"))


def measured(score, media, query=QUERY):
    work = Work(query, "words that an earlier step made", media)
    assert score.convert(work) is media
    return work.notes.measures["clip"]


def test_it_is_the_cosine_that_the_model_scales_into_its_logits(score, folder):
    import torch
    from transformers import CLIPModel, CLIPProcessor

    model, processor = CLIPModel.from_pretrained(folder).eval(), CLIPProcessor.from_pretrained(folder)
    rgb = Image.open(io.BytesIO(picture().read())).convert("RGB")
    with torch.inference_mode():
        seen = model(**processor(text=[QUERY.text], images=rgb, return_tensors="pt"))
        expected = (seen.logits_per_image / model.logit_scale.exp()).item()
    assert measured(score, picture()) == pytest.approx(expected, abs=1e-6)


def test_it_depends_on_the_query_and_the_picture_and_on_nothing_else(score):
    first = measured(score, picture())
    assert measured(score, picture()) == first
    assert measured(score, picture(), Query("q9", "why is the sky blue")) != first
    assert measured(score, picture_media(Image.new("RGB", (48, 40), "navy"))) != first


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "L")])
def test_any_kind_of_picture_is_measured(score, kind, mode):
    assert -1 <= measured(score, picture(kind, mode)) <= 1


def test_of_a_long_query_the_beginning_counts(score):
    longer = Query("q9", QUERY.text + " and baked" * LENGTH)
    assert -1 <= measured(score, picture(), longer) <= 1


def test_the_gate_limits_what_it_notes(score):
    work = Work(QUERY, QUERY.text, picture())
    media = score.convert(work)
    cosine = work.notes.measures["clip"]
    statuses = [
        ImageModality()
        .check(Checking(QUERY, media, {"min_clip": limit}, lambda *_: "", measures=work.notes.measures))
        .status
        for limit in (cosine - 0.01, cosine + 0.01)
    ]
    assert statuses == ["passed", "failed"]


def test_without_a_picture_or_with_a_broken_one_there_is_no_score(score):
    for media, message in ((None, "no picture yet"), (Media.of("image", "image/png", b"broken"), "cannot be decoded")):
        with pytest.raises(ConversionError, match=f"query 'q9': clip-score: .*{message}"):
            score.convert(Work(QUERY, QUERY.text, media))


def test_a_model_that_is_no_clip_is_found_before_the_run(tmp_path):
    other = transformers_vits(tmp_path / "vits")
    with pytest.raises(BadInput, match="vits"):
        ClipScore(ClipScore.Options(model=str(other), device="cpu")).check()


def test_weights_that_are_missing_are_never_random_numbers(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(folder / "model.safetensors")
    del weights["text_projection.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadInput, match=r"is no CLIP model: it lacks text_projection.weight"):
        ClipScore(ClipScore.Options(model=str(tmp_path), device="cpu")).check()


def test_pickled_weights_are_not_loaded(folder, tmp_path):
    import torch

    for file in folder.iterdir():
        if file.suffix == ".json":
            (tmp_path / file.name).write_text(json.dumps(json.loads(file.read_text())))
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(BadInput, match="safetensors"):
        ClipScore(ClipScore.Options(model=str(tmp_path), device="cpu")).check()


def test_a_folder_that_is_not_there_is_told():
    with pytest.raises(BadInput, match=r"model './nowhere' does not exist"):
        ClipScore(ClipScore.Options(model="./nowhere"))
