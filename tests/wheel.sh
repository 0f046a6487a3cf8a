#!/usr/bin/env bash
# Build the wheel, install it into an empty environment outside the checkout, and run the quickstart from there. Then the
# same with two packages from outside: the example, and what `safebench new` writes.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$VENV/bin/python" -m build --wheel --outdir "$place" "$checkout" > "$place/build.log" || { cat "$place/build.log"; exit 1; }
python3 -m venv "$place/venv"
wheel=$(ls "$place"/*.whl)
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check -c "$checkout/constraints.txt" "$wheel[embedded,pages]"
PIPX_HOME="$place/pipx" PIPX_BIN_DIR="$place/bin" "$VENV/bin/pipx" install --quiet \
    --pip-args="--constraint $checkout/constraints.txt" "$wheel[embedded,pages]"
"$place/bin/safebench" --version
cd "$place"
"$place/venv/bin/safebench" quickstart --out "$place/run"
"$place/venv/bin/safebench" report "$place/run" --html > /dev/null
test -s "$place/run/report.html"
"$place/venv/bin/safebench" published audit > /dev/null
"$place/venv/bin/safebench" data importers > /dev/null

from_outside() { # FOLDER CONDITION: install a package, run its tests, and ask by the medium that it adds
    "$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check -c "$checkout/constraints.txt" "$1[test]"
    "$place/venv/bin/python" -m pytest -q -p no:cacheprovider "$1"
    "$place/venv/bin/safebench" quickstart --condition "$2" --out "$place/run-$2"
    all_passed "$place/run-$2"
}

all_passed() { # RUN
    "$place/venv/bin/python" - "$1/summary.json" <<'END'
import json, sys
(cell,) = json.load(open(sys.argv[1]))["conditions"]
assert cell["n"] == 16 and cell["fidelity"]["passed"] == 16, cell["fidelity"]
END
}
from_outside "$checkout/examples/safebench-video" video

# The journey of who adds a modality, as docs/start-modality.md has it.
mkdir "$place/journey"
(cd "$checkout" && "$VENV/bin/python" -m benchmarks.journeys --show start-modality) > "$place/journey.sh"
(cd "$place/journey" && PATH="$place/venv/bin:$PATH" PIP_CONSTRAINT="$checkout/constraints.txt" bash -euo pipefail "$place/journey.sh")
all_passed "$place/journey/runs/smell"

echo "wheel: quickstart passed from $(basename "$wheel")"
