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

if TYPE_CHECKING:  # under their own names, by which type checkers know what is exported
    from safebench.datasets.config import ConvertConfig as ConvertConfig
    from safebench.datasets.config import make_convert_config as make_convert_config
    from safebench.datasets.conversion import convert as convert
    from safebench.datasets.conversion import convert_async as convert_async
    from safebench.datasets.load import load_dataset as load_dataset
    from safebench.datasets.queries import Dataset as Dataset
    from safebench.errors import BadInput as BadInput
    from safebench.errors import SafeBenchError as SafeBenchError
    from safebench.generation.generate import generate as generate
    from safebench.generation.plan import read_plan as read_plan
    from safebench.jury.calibration.calibrate import calibrate as calibrate
    from safebench.jury.calibration.labels import read_labels as read_labels
    from safebench.registry import list_plugins as list_plugins
    from safebench.rendering.recipes import load_recipes as load_recipes
    from safebench.reports.comparison import compare as compare
    from safebench.reports.report import Report as Report
    from safebench.reports.report import RunItem as RunItem
    from safebench.reports.report import report as report
    from safebench.runs.config import RunConfig as RunConfig
    from safebench.runs.config import make_config as make_config
    from safebench.runs.quickstart import quickstart_config as quickstart_config
    from safebench.runs.rejudge import rejudge as rejudge
    from safebench.runs.run import run as run
    from safebench.runs.run import run_async as run_async

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

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'safebench' has no attribute {name!r}")
    return getattr(import_module(f"safebench.{_HOMES[name]}"), name)
