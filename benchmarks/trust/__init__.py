"""Plants faults and healthy targets, runs the product on each, and writes what it said into `docs/trust.md`."""
