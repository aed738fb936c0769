"""Judging learners on people they have not seen: protocol, baselines, metrics, intervals. Knows no learner."""
