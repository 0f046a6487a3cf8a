"""The medium `video` for SafeBench: a picture of the query, held while a voice speaks it."""
