"""Finds and loads a diffusers pipeline: weights that cannot hold code, and no code that comes with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safebench.errors import BadInput
from safebench.models.torch_backend import load_problem, only_weights
from safebench.serialisation import read_json

INDEX = "model_index.json"
_PICKLES = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl"})
_CHANGE_PICTURES = ("Inpaint", "Img2Img")  # in the names of pipelines that begin with a picture


def load_pipeline(diffusers: Any, options: Any, device: str) -> Any:
    """Raises BadInput for what is no text-to-image pipeline, or cannot be loaded."""
    import torch

    check_folder(options.model)
    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    source = {"revision": options.revision}
    try:
        with only_weights():
            saved = diffusers.DiffusionPipeline.load_config(options.model, **source)["_class_name"]
            # the author's own class, which Auto does not know, is code that came with the model
            auto = diffusers.AutoPipelineForText2Image if isinstance(saved, str) else diffusers.DiffusionPipeline
            pipeline = auto.from_pretrained(
                options.model,
                dtype=getattr(torch, options.dtype),
                variant=options.variant,
                use_safetensors=True,
                trust_remote_code=options.trust_remote_code,
                **source,
            ).to(device)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, AttributeError, TypeError) as error:
        raise BadInput(f"model {options.model!r} cannot be loaded: {load_problem(error)}") from error
    if any(kind in saved for kind in _CHANGE_PICTURES) and type(pipeline).__name__ != saved:
        raise BadInput(f"model {options.model!r} ({saved}) changes pictures, and draws none from a text alone")
    return _ready(pipeline)


def _ready(pipeline: Any) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    vae: Any = getattr(pipeline, "vae", None)
    if hasattr(vae, "enable_slicing"):
        vae.enable_slicing()  # pictures of a batch leave the last step one by one: the one that takes most memory
    return pipeline


def check_folder(model: str) -> None:
    """Raises BadInput for a path that is no pipeline's folder, or holds weights that are pickles only."""
    folder = Path(model)
    if not folder.exists():
        return  # the name of a published model
    index = folder / INDEX
    if not index.is_file():
        raise BadInput(f"model {model!r} is no pipeline of diffusers: name a folder with {INDEX} in it")
    for part in _parts(index):
        files = sorted((folder / part).glob("*"))
        pickle = next((file for file in files if file.suffix in _PICKLES), None)
        if pickle is not None and not any(file.suffix == ".safetensors" for file in files):
            raise BadInput(
                f"model {model!r} has its weights in a pickle, {pickle.relative_to(folder)}, which can run code:"
                " take a version with safetensors, or save it anew with `save_pretrained(…, safe_serialization=True)`"
                " on a machine where you may load it"
            )


def _parts(index: Path) -> list[str]:
    """The folders of a pipeline's components."""
    try:
        kinds: Any = read_json(index.read_bytes())
        return [name for name, kind in kinds.items() if isinstance(kind, list) and kind[:1] != [None]]
    except (ValueError, AttributeError) as error:
        raise BadInput(f"{index} is no list of a pipeline's parts: {error}") from error
