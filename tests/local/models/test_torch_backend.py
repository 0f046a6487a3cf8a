import random

import numpy as np
import pytest

from safebench.errors import BadInput
from safebench.models import torch_backend
from safebench.plugins import Work
from safebench.types import Query


def drawn():
    import torch

    return torch.rand(1).item(), np.random.rand(), random.random()


def test_within_it_the_same_seed_draws_the_same_and_afterwards_all_is_as_before():
    import torch

    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    threads, undisturbed = torch.get_num_threads(), drawn()
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    with torch_backend.reproducible(7, 1):
        first = drawn()
        assert torch.get_num_threads() == 1
        assert torch.is_inference_mode_enabled()
    with torch_backend.reproducible(7, 1):
        assert drawn() == first
    with torch_backend.reproducible(8, 1):
        assert drawn() != first
    assert drawn() == undisturbed
    assert torch.get_num_threads() == threads


def test_a_gpu_computes_the_same_each_time_and_with_its_own_library():
    from torch.backends import cudnn

    with torch_backend.reproducible(0, 1):
        assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == (True, False, True)


def test_every_query_run_and_attempt_has_a_seed_of_its_own():
    works = [
        Work(Query(id, "text"), "text", seed=seed, attempt=attempt)
        for id in "ab"
        for seed in (0, 1)
        for attempt in (0, 1)
    ]
    assert len({torch_backend.seed_of(work) for work in works}) == 8
    assert torch_backend.seed_of(works[0]) == torch_backend.seed_of(Work(Query("a", "other words"), "other words"))


def test_a_device_that_is_not_there_is_told():
    assert torch_backend.choose_device("cpu") == "cpu"
    with pytest.raises(BadInput, match=r"device 'tpu' cannot be used: .*use auto, cpu or cuda"):
        torch_backend.choose_device("tpu")


def test_compiled_packages_that_do_not_match_are_told_with_a_matched_set(monkeypatch):
    def fail(name):
        raise OSError("undefined symbol: _ZN3c104cuda")

    monkeypatch.setattr(torch_backend.importlib, "import_module", fail)
    with pytest.raises(BadInput, match=r"torchaudio: undefined symbol.*matched set.*torchaudio==2\.11\.0"):
        torch_backend.import_local("torchaudio", "converter 'coqui'")


def test_within_it_no_pickle_runs_code(tmp_path):
    import pickle

    import torch

    class Evil:
        def __reduce__(self):
            return (tmp_path / "ran").touch, ()

    torch.save(Evil(), tmp_path / "weights.bin")
    with torch_backend.only_weights(), pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "weights.bin", weights_only=False)
    assert not (tmp_path / "ran").exists()
