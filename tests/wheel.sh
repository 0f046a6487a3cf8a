#!/usr/bin/env bash
# Build the wheel, let pipx install it into an empty environment outside the checkout, and run the quickstart from there.
# Then the same with two packages from outside, which pip installs there: the example, and what `safebench new` writes.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$VENV/bin/python" -m build --wheel --outdir "$place" "$checkout" > "$place/build.log" || { cat "$place/build.log"; exit 1; }
wheel=$(ls "$place"/*.whl)
PIPX_HOME="$place/pipx" PIPX_BIN_DIR="$place/bin" "$VENV/bin/pipx" install --quiet \
    --pip-args="--no-compile --constraint $checkout/constraints.txt" "$wheel[embedded,pages]"
environment="$place/pipx/venvs/safebench/bin"
printf '#!/bin/sh\nexec "%s/python" -m pip "$@"\n' "$environment" > "$environment/pip" # pipx shares one
chmod +x "$environment/pip"
cd "$place"
"$place/bin/safebench" --version
"$place/bin/safebench" quickstart --out "$place/run"
"$place/bin/safebench" report "$place/run" --html > /dev/null
test -s "$place/run/report.html"
"$place/bin/safebench" published audit > /dev/null
"$place/bin/safebench" data importers > /dev/null

from_outside() { # FOLDER CONDITION: install a package, run its tests, and ask by the medium that it adds
    "$environment/pip" install --quiet --disable-pip-version-check --no-compile -c "$checkout/constraints.txt" "$1[test]"
    "$environment/python" -m pytest -q -p no:cacheprovider "$1"
    "$place/bin/safebench" quickstart --condition "$2" --out "$place/run-$2"
    all_passed "$place/run-$2"
}

all_passed() { # RUN
    "$environment/python" - "$1/summary.json" <<'END'
import json, sys
(cell,) = json.load(open(sys.argv[1]))["conditions"]
assert cell["n"] == cell["fidelity"]["passed"] == 10, cell["fidelity"]
END
}
from_outside "$checkout/examples/safebench-video" video

# The journey of who adds a modality, as docs/start-modality.md has it.
mkdir "$place/journey"
(cd "$checkout" && "$VENV/bin/python" -m benchmarks.journeys --show start-modality) > "$place/journey.sh"
(cd "$place/journey" && PATH="$environment:$PATH" PIP_CONSTRAINT="$checkout/constraints.txt" bash -euo pipefail "$place/journey.sh")
all_passed "$place/journey/runs/smell"

echo "wheel: quickstart passed from $(basename "$wheel")"
