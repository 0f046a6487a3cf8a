"""What all that runs on torch shares: imports, devices, seeds, and files that may hold code. Loads torch late."""

from __future__ import annotations

import hashlib
import importlib
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from safebench.errors import BadInput
from safebench.plugins import Work

MEND = "pip install 'safebench[local]' torch==2.11.0 torchaudio==2.11.0 'torchcodec==0.11.*'"


def existing(*named: str | Path | None) -> list[Path]:
    """Those that are files or folders on this machine, and not names of published models."""
    return [Path(one) for one in named if one is not None and Path(one).exists()]


def import_local(name: str, user: str) -> ModuleType:
    """A module of the extra `local`. Raises BadInput with the way out, also where compiled packages do not match."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError, RuntimeError) as error:  # OSError: a library of torchaudio that torch does not fit
        raise BadInput(
            f"{user} cannot import {name}: {error}. Installed: {_installed()}. torch, torchaudio and torchcodec work"
            f" as a matched set only: {MEND}"
        ) from error


def import_transformers(user: str) -> ModuleType:
    """The package, after torch; it shows no bars then. Raises BadInput as `import_local` does."""
    import_local("torch", user)
    transformers = import_local("transformers", user)
    transformers.utils.logging.disable_progress_bar()
    return transformers


def _installed() -> str:
    packages = ("torch", "torchaudio", "torchcodec", "transformers", "diffusers")
    return ", ".join(f"{package} {installed(package)}" for package in packages)


def installed(package: str) -> str:
    """The version of a package, for the `version` of a plug-in."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def check_matched() -> None:
    """Raises BadInput where a torchaudio is installed that does not fit torch; then transformers cannot be used either.

    Both have had the same version since 2.0 (https://docs.pytorch.org/audio/stable/installation.html).
    """
    torch, torchaudio = installed("torch"), installed("torchaudio")
    if "missing" in (torch, torchaudio):
        return
    if torch.split(".")[:2] != torchaudio.split(".")[:2]:
        raise BadInput(f"torchaudio {torchaudio} does not fit torch {torch}: {MEND}")
    import_local("torchaudio", "torch")


def choose_device(wanted: str) -> str:
    """Raises BadInput for a device that torch does not know or this machine lacks."""
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=wanted)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise BadInput(f"device {wanted!r} cannot be used: {reason}; use auto, cpu or cuda") from error
    return wanted


def seed_of(work: Work) -> int:
    """One seed for each query of a run and each attempt at it, whatever was made before."""
    name = f"{work.seed}/{work.query.id}/{work.attempt}"
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:4])


@contextmanager
def reproducible(seed: int, threads: int) -> Iterator[None]:
    """Random numbers from `seed`, a fixed number of threads, no gradients; as it was before, afterwards."""
    import torch

    cudnn = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True)
    before, numpy_state, python_state = torch.get_num_threads(), np.random.get_state(), random.getstate()
    with torch.random.fork_rng(), torch.inference_mode(), cudnn:
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
            np.random.set_state(numpy_state)
            random.setstate(python_state)


@contextmanager
def only_weights() -> Iterator[None]:
    """Within it, torch unpickles nothing but tensors and plain data, whatever a library asks for."""
    forced, lifted = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
    before = {name: os.environ.pop(name, None) for name in (forced, lifted)}
    os.environ[forced] = "1"
    try:
        yield
    finally:
        _restore(before)


def _restore(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def to_numpy(samples: Any) -> Any:
    """A tensor, array or list as float64 samples on the CPU, (frames,)."""
    array = samples.detach().cpu().float().numpy() if hasattr(samples, "detach") else np.asarray(samples)
    return array.astype(np.float64).reshape(-1)


def check_exists(option: str, named: str | None) -> None:
    """Raises BadInput for a path that does not exist: it would be looked for among the published models."""
    if named is None or Path(named).exists():
        return
    if named.startswith((".", "/", "~")) or named.count("/") > 1:
        raise BadInput(f"{option} {named!r} does not exist")


def load_problem(error: Exception) -> str:
    """The error's first paragraph, and what to do about weights that are pickles."""
    message = " ".join(str(error).split("\n\n")[0].split())
    if "safetensors" in message:
        return f"{message} (only safetensors are loaded, as other weights are pickles, which can run code)"
    return message
