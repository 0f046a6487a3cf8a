"""How long `--help` takes: what a command line imports before it does anything.

    python benchmarks/help.py VARIANT [--size 5]

| variant | what is started, in a fresh process each time |
| --- | --- |
| ours | `safebench --help`; fails when that imported a model SDK or numpy |
| inspect | `inspect --help`, in an environment that has inspect-ai (constraints-inspect.txt) |

Ratio of seconds: ours/inspect <= 0.25. Smoke: --size 1. The first start, which reads from the disk, is not counted.
"""

from __future__ import annotations

import subprocess
import sys

from measuring import arguments, measuring

SHOW = "import sys; sys.argv = [{name!r}, '--help']; from {module} import main; main()"
VARIANTS = {"ours": ("safebench", "safebench.cli.main"), "inspect": ("inspect", "inspect_ai._cli.main")}
HEAVY = ("numpy", "openai", "torch", "transformers", "PIL", "scipy", "pyarrow")


def show(variant: str, *options: str) -> str:
    """What it writes to the error stream."""
    name, module = VARIANTS[variant]
    command = [sys.executable, *options, "-c", SHOW.format(name=name, module=module)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def imported(variant: str) -> set[str]:
    """The packages that are imported on the way."""
    rows = show(variant, "-X", "importtime").splitlines()
    return {row.rpartition("|")[2].strip().partition(".")[0] for row in rows}


def main() -> None:
    options = arguments(__doc__, list(VARIANTS), 5).parse_args()
    heavy = sorted(imported(options.variant) & set(HEAVY))
    if options.variant == "ours" and heavy:
        sys.exit(f"safebench --help imports {', '.join(heavy)}")
    with measuring(options.size):
        for _ in range(options.size):
            show(options.variant)


if __name__ == "__main__":
    main()
