"""Text drawn: laid out, fitted, shaped and coloured."""
