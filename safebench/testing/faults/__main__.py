"""`python -m safebench.testing.faults` prints the tables of docs/reliability.md."""

import sys

from safebench.testing.faults import GROUPS
from safebench.testing.faults.table import table

sys.stdout.write(f"{table(GROUPS)}\n")
