"""Commands: one module for each group of them, options and tables."""
