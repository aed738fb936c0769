"""Volunteers and performances shared by the simulation's tests."""

import numpy as np
import pytest

from backsight.domain.recording import Exercise
from backsight.simulation.body import Body, make_body
from backsight.simulation.cohort import VirtualRecording, simulate_performance, simulate_recording
from backsight.simulation.dysfunction import Volunteer, sample_volunteer
from backsight.simulation.performance import Performance

SEED = 11
N_PEOPLE = 8


@pytest.fixture(scope="session")
def body() -> Body:
    return make_body(sex="female", age_years=40.0, height_m=1.70)


@pytest.fixture(scope="session")
def volunteer(body: Body) -> Volunteer:
    return sample_volunteer(np.random.default_rng(3), subject_id="test", body=body, dysfunction=0.1)


@pytest.fixture(scope="session")
def performances() -> dict[Exercise, list[Performance]]:
    return {
        exercise: [simulate_performance(index, exercise, seed=SEED, fps=60.0) for index in range(N_PEOPLE)]
        for exercise in Exercise
    }


@pytest.fixture(scope="session")
def recordings() -> dict[Exercise, list[VirtualRecording]]:
    return {
        exercise: [simulate_recording(index, exercise, seed=SEED) for index in range(N_PEOPLE)] for exercise in Exercise
    }
