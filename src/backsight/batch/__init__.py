"""Many recordings at once, on one machine or a cluster: the same road for each. Knows nothing of engines."""
