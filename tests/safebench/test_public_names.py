from __future__ import annotations

import subprocess
import sys

import pytest

import safebench


def test_what_is_exported_is_what_is_said_to_be() -> None:
    assert sorted(safebench.__all__) == sorted(safebench._HOMES)
    for name in safebench.__all__:
        assert getattr(safebench, name).__module__ == f"safebench.{safebench._HOMES[name]}"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = safebench.nothing


@pytest.mark.parametrize("heavy", ["numpy", "openai", "pyarrow", "scipy", "PIL", "pydantic"])
def test_the_help_of_the_command_imports_nothing_heavy(heavy: str) -> None:
    code = f"import sys, safebench.cli as c; c.run_command(['--help']); sys.exit({heavy!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
