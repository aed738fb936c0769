"""Make the kinematic model that ships: from the people's measures in the package, or, with --films, from films.

python scripts/make_kinematic_model.py [--films FOLDER --simulated 100] [--out FILE] [--people FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from backsight.datasets.virtual import load_virtual_cohort, simulate_virtual_study
from backsight.domain.study import StudyClip
from backsight.network.kinematic_file import save_kinematic
from backsight.simulation.seeds import TRAINING_SEED
from backsight.training.kinematic_card import make_checkpoint
from backsight.training.measured_people import SIMULATED, load_people, measure_people, save_people, shipped_people

PACKAGE = Path(__file__).parents[1] / "src" / "backsight"


def main() -> None:
    """Read or measure the people, fit, judge and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=Path, help="a filmed cohort to measure anew; about a second a recording")
    parser.add_argument("--simulated", type=int, default=100, help="people simulated as landmarks besides")
    parser.add_argument("--people", type=Path, help="where the measures are kept; default: the package's own")
    parser.add_argument("--out", type=Path, default=PACKAGE / "network" / "default" / "kinematic-virtual.backsight")
    given = parser.parse_args()
    if given.films is not None:
        kept = given.people or PACKAGE / "training" / "virtual-people.npz"
        save_people(kept, measure_people(list_people(given.films, n_simulated=given.simulated)))
    people = shipped_people() if given.people is None else load_people(given.people)
    checkpoint = make_checkpoint(people)
    save_kinematic(given.out, checkpoint)
    print(checkpoint.card.text)


def list_people(films: Path, *, n_simulated: int) -> list[tuple[StudyClip, str, float]]:
    """Return filmed and simulated recordings with their truth; people held out for benchmarks are refused."""
    listed: list[tuple[StudyClip, str, float]] = []
    for model in ("full", "lite"):
        cohort = load_virtual_cohort(films, model=model)
        listed += [(clip, model, true) for clip, true in zip(cohort.study.clips, cohort.true_index, strict=True)]
    simulated, truth = simulate_virtual_study(n_simulated, seed=TRAINING_SEED)
    return listed + [(clip, SIMULATED, true) for clip, true in zip(simulated.clips, truth, strict=True)]


if __name__ == "__main__":
    main()
