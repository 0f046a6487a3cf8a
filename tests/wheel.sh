#!/usr/bin/env bash
# Build the wheel, install it into an empty environment outside the checkout, and run the quickstart from there.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$VENV/bin/python" -m build --wheel --outdir "$place" "$checkout" > "$place/build.log" || { cat "$place/build.log"; exit 1; }
python3 -m venv "$place/venv"
wheel=$(ls "$place"/*.whl)
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check -c "$checkout/constraints.txt" "$wheel[embedded,pages]"
cd "$place"
"$place/venv/bin/safebench" quickstart --out "$place/run"
"$place/venv/bin/safebench" report "$place/run" --html > /dev/null
test -s "$place/run/report.html"
"$place/venv/bin/safebench" published audit > /dev/null
echo "wheel: quickstart passed from $(basename "$wheel")"
