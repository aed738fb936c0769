"""The report that a person reads. Knows nothing of engines."""
