"""The paper's experiments, made again: arXiv 2410.18927."""
