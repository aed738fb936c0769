"""BlazePose, its weights, the landmark filter and the quality gate. Knows nothing of features or indices."""
