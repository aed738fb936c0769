"""People whose rating one measure tells, for the tests of the model that ships."""

from __future__ import annotations

import numpy as np

from backsight.domain.recording import Exercise
from backsight.training.measured_people import SIMULATED, MeasuredPeople

BEND, NOISE, RARE = range(3)


def make_measured(n_people: int = 40, *, n_simulated: int = 0, seed: int = 0) -> MeasuredPeople:
    """Bending slowly tells the rating in touch-toes (0.2 of the index a second); nothing tells it in the others."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(n_people + n_simulated):
        is_filmed = person < n_people
        index = rng.uniform(0.1, 0.9)
        for exercise in Exercise:
            told = 2.0 + 5.0 * index if exercise is Exercise.TOUCH_TOES else rng.normal(4.0, 1.0)
            # Simulated people are measured on another scale.
            bend = told if is_filmed else 10.0 * told + 3.0
            rare = rng.normal() if person % 10 == 0 else np.nan
            source = "full" if is_filmed else SIMULATED
            rows.append((f"p{person:03d}", exercise.value, source, index, (bend, rng.normal(), rare)))
    rated = np.array([row[3] for row in rows])
    return MeasuredPeople(
        subject=np.array([row[0] for row in rows]),
        exercise=np.array([row[1] for row in rows]),
        source=np.array([row[2] for row in rows]),
        rated=rated,
        true=rated,
        measure_names=np.array(["bend_down_s", "hip_delay_s", "lateral_lean_deg"]),
        measure_labels=np.array(["Down", "Noise", "Rare"]),
        measure_units=np.array(["s", "s", "deg"]),
        measures=np.array([row[4] for row in rows]),
        summary_names=np.array(["a", "b"]),
        summaries=rng.normal(size=(len(rows), 2)),
    )
