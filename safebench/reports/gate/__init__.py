"""Whether a run keeps the limits that a release is held to: read, held against its summary, written for CI."""
