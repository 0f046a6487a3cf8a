"""Options of every converter that runs a model on this machine."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from safebench.models.torch_backend import existing
from safebench.plugins import PluginOptions


class LocalOptions(PluginOptions):
    """Where the model is, and what it runs on."""

    model: str = Field(min_length=1)  # a folder or file, or the name of a published model, which is then downloaded
    device: str = "auto"  # auto: the GPU where there is one, else the CPU; or a device of torch
    threads: int = Field(1, ge=1)  # CPU threads of a worker process; another number rounds differently

    def files(self) -> list[Path]:
        return existing(self.model)
