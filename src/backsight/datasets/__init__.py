"""Real data sets read from a folder: one adapter a file. Ships no data."""
