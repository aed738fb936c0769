"""The command line: a thin shell around the composition root."""
