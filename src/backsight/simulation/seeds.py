"""Which cohorts of virtual volunteers are for what, so that nobody is judged on people it was fitted to."""

CALIBRATION_SEED = 7001
"""Errors of the measures are found on these volunteers."""
HELD_OUT_SEED = 8001
"""Benchmarks judge on these; nothing is fitted to them. Volunteers 0 to 17 were looked at while the rules of measuring
were chosen, so the benchmark starts after them (`benchmarks.measures.FIRST_SUBJECT`)."""
TRAINING_SEED = 9001
"""Networks are trained on these."""
