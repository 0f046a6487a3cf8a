"""Statistics: pure functions over arrays, and the two builders that read a run's store (`gap`, `spread`)."""
