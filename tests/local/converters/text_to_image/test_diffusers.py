import io
import json
import shutil
from copy import deepcopy

import numpy as np
import pytest
from PIL import Image

from converters.text_to_image import diffusers_call
from safebench import registry
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Converter, Work
from safebench.types import Query
from tests.local.tiny_diffusion import WINDOW, tiny_diffusion

TEXT = "A red apple on a table"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    return tiny_diffusion(tmp_path_factory.mktemp("pipeline"))


@pytest.fixture(scope="module")
def drawing(pipeline):
    return engine(pipeline, batch=8)


@pytest.fixture
def copy(pipeline, tmp_path):
    return shutil.copytree(pipeline, tmp_path / "copy")


def engine(model, **options):
    return registry.create(
        Converter, "diffusers", "test", **{"model": str(model), "device": "cpu", "steps": 2, **options}
    )


def work(text=TEXT, id="q9", **more):
    return Work(Query(id, text), text, **more)


def pixels(media):
    return np.asarray(Image.open(io.BytesIO(media.read())), dtype=int)


def change_index(folder, **values):
    file = folder / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def change_weights(folder, part, layer, value):
    from safetensors.torch import load_file, save_file

    file = next((folder / part).glob("*.safetensors"))
    weights = load_file(file)
    changed = {name: tensor.fill_(value) if name.startswith(layer) else tensor for name, tensor in weights.items()}
    assert any(name.startswith(layer) for name in weights)
    save_file(changed, file, metadata={"format": "pt"})


def test_a_picture_of_the_pipelines_own_size_with_something_in_it(drawing):
    drawn = drawing.convert(work())
    assert (drawn.medium, drawn.mime) == ("image", "image/png")
    assert pixels(drawn).shape == (64, 64, 3)
    assert pixels(drawn).std() > 10


def test_it_is_what_the_pipeline_itself_draws(drawing, pipeline):
    """Not through our code: the public class, the same seed, its own PIL output."""
    import torch
    from diffusers import StableDiffusionPipeline

    from safebench.models.torch_backend import seed_of

    own = StableDiffusionPipeline.from_pretrained(pipeline)
    generator = torch.Generator().manual_seed(seed_of(work()))
    expected = own(TEXT, num_inference_steps=2, generator=generator).images[0]
    assert np.abs(pixels(drawing.convert(work())) - np.asarray(expected, dtype=int)).max() <= 1


def test_same_work_same_bytes_whatever_was_drawn_before(drawing, pipeline):
    first = drawing.convert(work())
    drawing.convert(work("something else", "q2"))
    assert drawing.convert(work()).sha256 == first.sha256
    assert engine(pipeline).convert(work()).sha256 == first.sha256


def test_another_text_query_seed_or_attempt_is_another_picture(drawing):
    works = [work(), work("A blue fish"), work(id="q8"), work(seed=1), work(attempt=1)]
    assert len({drawing.convert(one).sha256 for one in works}) == len(works)


@pytest.mark.parametrize(
    "options",
    [{"steps": 3}, {"guidance": 2.0}, {"negative_prompt": "blurred"}, {"dtype": "bfloat16"}],
    ids=lambda options: next(iter(options)),
)
def test_options_change_the_picture(pipeline, options):
    strong = {"guidance": 100.0}  # random weights hardly tell two texts apart
    changed, plain = engine(pipeline, **strong | options), engine(pipeline, **strong)
    assert np.abs(pixels(changed.convert(work())) - pixels(plain.convert(work()))).max() > 1


def test_the_size_is_the_one_asked_for(pipeline):
    assert pixels(engine(pipeline, width=32, height=48).convert(work())).shape == (48, 32, 3)


def test_a_batch_draws_each_picture_as_it_is_alone(drawing):
    works = [work(text, f"q{n}") for n, text in enumerate(["a", "a much longer text " * 3, TEXT, TEXT])]
    for one, media in zip(works, drawing.convert_batch(works), strict=True):
        assert np.abs(pixels(media) - pixels(drawing.convert(one))).max() <= 1


def test_in_a_batch_what_cannot_be_drawn_has_its_own_error(drawing):
    works = [work("  ", "empty"), work(), work("x" * 100, "long")]
    empty, drawn, long = drawing.convert_batch(works)
    assert "query 'empty': there is nothing to draw" in str(empty)
    assert drawn.sha256 == drawing.convert(work()).sha256
    assert f"query 'long': the text is longer than {drawing.options.model} reads, by {100 - WINDOW} token" in str(long)
    assert all(isinstance(error, ConversionError) for error in drawing.convert_batch([work(" "), work("\n")]))


def test_a_text_that_just_fits_is_drawn_and_one_token_more_is_not(drawing):
    assert drawing.convert(work("x" * WINDOW))
    with pytest.raises(ConversionError, match=r"reads, by 1 token.*allow_truncation"):
        drawing.convert(work("x" * (WINDOW + 1)))


def test_a_cut_that_is_allowed_is_noted(pipeline):
    cut = work("x" * (WINDOW + 3))
    drawn = engine(pipeline, allow_truncation=True).convert(cut)
    assert cut.notes.measures == {"prompt_tokens_unread": 3}
    whole = work("x" * WINDOW)
    assert engine(pipeline, allow_truncation=True).convert(whole).sha256 == drawn.sha256
    assert whole.notes.measures == {}


def test_a_text_is_read_whole_where_one_of_two_encoders_has_room(drawing):
    """As in Stable Diffusion 3, whose T5 reads more than its CLIP models, and can be left out."""
    short = drawing._pipeline.tokenizer
    long = deepcopy(short)
    long.model_max_length = 512

    class Several:
        def __init__(self, second):
            self.components = {"tokenizer": short, "text_encoder": 1, "tokenizer_2": long, "text_encoder_2": second}

        def __call__(self, prompt, max_sequence_length=256):
            pass

    assert diffusers_call.unread_tokens(Several(second=1), "x" * 256) == 0
    assert diffusers_call.unread_tokens(Several(second=1), "x" * 257) == 1
    assert diffusers_call.unread_tokens(Several(second=None), "x" * 256) == 256 - WINDOW


@pytest.mark.parametrize(("flags", "message"), [(True, "safety checker took the picture away"), (False, None)])
def test_what_a_safety_checker_takes_away_is_no_black_picture(tmp_path, flags, message):
    checked = engine(tiny_diffusion(tmp_path, flags=flags))
    if message is None:
        assert pixels(checked.convert(work())).std() > 10
        return
    with pytest.raises(ConversionError, match=f"query 'q9': .*{message}"):
        checked.convert(work())


@pytest.mark.parametrize(
    ("layer", "value", "message"),
    [("conv_in", np.nan, "pixels that are no numbers"), ("conv_out", 0.0, "gave a blank")],
)
def test_a_blank_is_never_a_picture(copy, layer, value, message):
    change_weights(copy, "vae", f"decoder.{layer}", value)
    with pytest.raises(ConversionError, match=message):
        engine(copy).convert(work())


def test_weights_that_are_pickles_are_refused_and_named(copy):
    import torch

    next((copy / "unet").glob("*.safetensors")).unlink()
    torch.save({}, copy / "unet" / "diffusion_pytorch_model.bin")
    with pytest.raises(BadInput, match=r"unet/diffusion_pytorch_model\.bin.* can run code.*safetensors"):
        engine(copy).check()


def test_weights_that_are_missing_are_told(copy):
    next((copy / "vae").glob("*.safetensors")).unlink()
    with pytest.raises(BadInput, match=r"cannot be loaded: .*diffusion_pytorch_model"):
        engine(copy).check()


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ({"_class_name": "StableDiffusionInpaintPipeline"}, "changes pictures"),
        ({"_class_name": "StableAudioPipeline"}, "cannot be loaded: AutoPipeline can't find"),
        ({"_class_name": "NoSuchPipeline"}, "cannot be loaded"),
        ({"unet": ["antigravity", "fly"]}, "cannot be loaded: antigravity is not one of the libraries"),
    ],
)
def test_another_kind_of_pipeline_is_refused(copy, index, message):
    change_index(copy, **index)
    with pytest.raises(BadInput, match=message):
        engine(copy).check()


def test_code_that_comes_with_a_model_is_run_only_when_asked(copy):
    change_index(copy, _class_name=["own", "Own"])
    (copy / "own.py").write_text(
        "from pathlib import Path\n"
        "from diffusers import StableDiffusionPipeline\n"
        f"Path({str(copy / 'ran')!r}).touch()\n"
        "class Own(StableDiffusionPipeline):\n    pass\n"
    )
    with pytest.raises(BadInput, match=r"custom code.*trust_remote_code"):
        engine(copy).check()
    assert not (copy / "ran").exists()
    assert engine(copy, trust_remote_code=True).convert(work())
    assert (copy / "ran").exists()


def test_a_folder_or_file_that_is_no_pipeline_is_told(pipeline, tmp_path):
    for named in (pipeline / "unet", pipeline / "model_index.json", tmp_path):
        with pytest.raises(BadInput, match=r"no pipeline of diffusers: name a folder with model_index\.json"):
            engine(named).check()
    (tmp_path / "model_index.json").write_text("[]")
    with pytest.raises(BadInput, match="no list of a pipeline's parts"):
        engine(tmp_path).check()


def test_a_path_that_does_not_exist_is_never_looked_for_elsewhere():
    with pytest.raises(BadInput, match=r"model '\./nowhere' does not exist"):
        engine("./nowhere")


def test_a_published_model_that_cannot_be_had_is_told(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(BadInput, match="model 'no/such-model' cannot be loaded"):
        engine("no/such-model").check()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "tpu"}, "device 'tpu' cannot be used"),
        ({"variant": "fp16"}, "cannot be loaded: .*fp16"),
        ({"negative_prompt": "blurred", "guidance": 1.0}, "leaves out the `negative_prompt` at a guidance of 1"),
        ({"negative_prompt": "x" * 80}, r"`negative_prompt` is longer than it reads, by 3 token"),
    ],
)
def test_options_that_cannot_be_met_are_found_before_the_run(pipeline, options, message):
    with pytest.raises(BadInput, match=message):
        engine(pipeline, **options).check()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 60}, "multiple of 8"),
        ({"width": 64}, "both `width` and `height`"),
        ({"steps": 0}, "greater than"),
        ({"batch": 0}, "greater than"),
        ({"step": 2}, "did you mean steps"),
    ],
)
def test_options_that_make_no_sense_are_found_at_once(pipeline, options, message):
    with pytest.raises(BadInput, match=message):
        engine(pipeline, **options)


def test_an_option_that_a_pipeline_does_not_take_is_told(pipeline):
    class Distilled:
        def __call__(self, prompt, num_inference_steps=4, true_cfg_scale=1.0, negative_prompt=None):
            pass

    options = engine(pipeline, guidance=3.0).options
    with pytest.raises(BadInput, match=r"\(Distilled\) takes no `guidance`"):
        diffusers_call.check_call(Distilled(), options)
    options = engine(pipeline, negative_prompt="blurred").options
    with pytest.raises(BadInput, match="leaves out the `negative_prompt` at a guidance of 1"):
        diffusers_call.check_call(Distilled(), options)


def test_files_of_the_model_count_by_content(pipeline):
    assert engine(pipeline).options.files() == [pipeline]
    assert "diffusers 0." in type(engine(pipeline)).version
