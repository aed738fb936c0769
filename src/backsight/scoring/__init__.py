"""Measurements, norms, sub-indices and the session's verdict. Knows nothing of engines."""
