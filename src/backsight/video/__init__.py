"""Frames from files and cameras, the sequence buffer, and the drawn overlay. Knows nothing of pose models."""
