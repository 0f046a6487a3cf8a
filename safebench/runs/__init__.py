"""A run: planned, tried beforehand, asked, judged and recorded, item by item."""
