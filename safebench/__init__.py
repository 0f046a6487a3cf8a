"""SafeBench measures how safely a multimodal model behaves, and whether that survives a change of modality.

    import safebench as sb

    config = sb.make_config("script", data="starter", conditions=["text"], target="reference", out="runs/mine")
    sb.run(config)
    sb.report(config.out).summary["conditions"]

Names are imported when they are first used, so that `import safebench` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from safebench.comparing import compare
    from safebench.config import RunConfig, make_config
    from safebench.converting import convert, convert_async
    from safebench.datasets import Dataset, load_dataset
    from safebench.errors import BadInput, SafeBenchError
    from safebench.generating.making import generate
    from safebench.generating.plan import read_plan
    from safebench.quickstart import quickstart_config
    from safebench.recipes import load_recipes
    from safebench.registry import list_plugins
    from safebench.rejudging import rejudge
    from safebench.reporting import report
    from safebench.running import run, run_async

_HOMES = {
    "BadInput": "errors",
    "Dataset": "datasets",
    "RunConfig": "config",
    "SafeBenchError": "errors",
    "compare": "comparing",
    "convert": "converting",
    "convert_async": "converting",
    "generate": "generating.making",
    "list_plugins": "registry",
    "load_dataset": "datasets",
    "load_recipes": "recipes",
    "make_config": "config",
    "quickstart_config": "quickstart",
    "read_plan": "generating.plan",
    "rejudge": "rejudging",
    "report": "reporting",
    "run": "running",
    "run_async": "running",
}

__all__ = [
    "BadInput",
    "Dataset",
    "RunConfig",
    "SafeBenchError",
    "compare",
    "convert",
    "convert_async",
    "generate",
    "list_plugins",
    "load_dataset",
    "load_recipes",
    "make_config",
    "quickstart_config",
    "read_plan",
    "rejudge",
    "report",
    "run",
    "run_async",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'safebench' has no attribute {name!r}")
    return getattr(import_module(f"safebench.{_HOMES[name]}"), name)
