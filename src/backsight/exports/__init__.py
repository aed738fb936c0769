"""One file format a module. Knows nothing of engines."""
