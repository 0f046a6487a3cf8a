"""SafeBench measures how safely a multimodal model behaves, and whether that survives a change of modality.

    import safebench as sb

    config = sb.make_config("script", data="starter", conditions=["text"], target="reference", out="runs/mine")
    sb.run(config)
    sb.report(config.out).summary.conditions

Names are imported when they are first used, so that `import safebench` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from safebench.datasets.config import ConvertConfig, make_convert_config
    from safebench.datasets.conversion import convert, convert_async
    from safebench.datasets.load import load_dataset
    from safebench.datasets.queries import Dataset
    from safebench.errors import BadInput, SafeBenchError
    from safebench.generation.generate import generate
    from safebench.generation.plan import read_plan
    from safebench.jury.calibration.calibrate import calibrate
    from safebench.jury.calibration.labels import read_labels
    from safebench.registry import list_plugins
    from safebench.rendering.recipes import load_recipes
    from safebench.reports.comparison import compare
    from safebench.reports.report import Report, RunItem, report
    from safebench.runs.config import RunConfig, make_config
    from safebench.runs.quickstart import quickstart_config
    from safebench.runs.rejudge import rejudge
    from safebench.runs.run import run, run_async

_HOMES = {
    "BadInput": "errors",
    "ConvertConfig": "datasets.config",
    "Dataset": "datasets.queries",
    "Report": "reports.report",
    "RunConfig": "runs.config",
    "RunItem": "reports.report",
    "SafeBenchError": "errors",
    "calibrate": "jury.calibration.calibrate",
    "compare": "reports.comparison",
    "convert": "datasets.conversion",
    "convert_async": "datasets.conversion",
    "generate": "generation.generate",
    "list_plugins": "registry",
    "load_dataset": "datasets.load",
    "load_recipes": "rendering.recipes",
    "make_config": "runs.config",
    "make_convert_config": "datasets.config",
    "quickstart_config": "runs.quickstart",
    "read_labels": "jury.calibration.labels",
    "read_plan": "generation.plan",
    "rejudge": "runs.rejudge",
    "report": "reports.report",
    "run": "runs.run",
    "run_async": "runs.run",
}

__all__ = [
    "BadInput",
    "ConvertConfig",
    "Dataset",
    "Report",
    "RunConfig",
    "RunItem",
    "SafeBenchError",
    "calibrate",
    "compare",
    "convert",
    "convert_async",
    "generate",
    "list_plugins",
    "load_dataset",
    "load_recipes",
    "make_config",
    "make_convert_config",
    "quickstart_config",
    "read_labels",
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
