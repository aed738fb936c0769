"""Fit the errors of every measure to filmed virtual volunteers and write the calibration that ships.

`python scripts/calibrate_measures.py --cohort DIR` films what is missing in DIR (hours on two cores for the default
number of volunteers; the landmarks are kept, a few kB a clip), then fits and writes
`src/backsight/scoring/calibration.json`. With `--film-only` it stops before the fit.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from backsight.benchmarks.filmed import take_samples
from backsight.benchmarks.measures import film, name_failure
from backsight.benchmarks.shots import plan_measuring
from backsight.cli.progress import progress_bar
from backsight.scoring.calibration_fit import fit_calibration
from backsight.simulation.seeds import CALIBRATION_SEED, HELD_OUT_SEED
from backsight.studio.cache import load_filmed

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "src/backsight/scoring/calibration.json"
DEFAULT_SUBJECTS = 160
MODELS = ("full", "lite")


def main() -> None:
    """Film, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", type=Path, default=ROOT / "build/calibration-cohort", help="folder of the films")
    parser.add_argument("--subjects", type=int, default=DEFAULT_SUBJECTS)
    parser.add_argument("--views", type=int, default=1, help="views of every exercise of every volunteer")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--film-only", action="store_true", help="film what is missing, fit nothing")
    parser.add_argument("--as-is", action="store_true", help="fit to the films that are there, stale ones included")
    parser.add_argument("--out", type=Path, default=TARGET)
    given = parser.parse_args()
    if given.as_is:
        films = load_filmed(given.cohort, require_fresh=False)
    else:
        shots = plan_measuring(range(given.subjects), seed=CALIBRATION_SEED, views_each=given.views)
        with progress_bar(quiet=False) as on_progress:
            films = film(
                shots,
                folder=given.cohort,
                models=MODELS,
                n_workers=given.workers,
                on_progress=on_progress,
                on_failure=lambda shot, error: print(f"left out: {name_failure(shot, error)}", file=sys.stderr),
            )
    if given.film_only:
        return
    n_people = len({film.number for film in films})
    if any(film.seed == HELD_OUT_SEED for film in films):
        parser.error(f"{given.cohort} holds volunteers of seed {HELD_OUT_SEED}, who are for judging; fit to others")
    calibration = fit_calibration(
        take_samples(films, models=MODELS),
        provenance={
            "command": "python scripts/calibrate_measures.py"
            + (" --as-is" if given.as_is else f" --subjects {given.subjects} --views {given.views}"),
            "stale": sum(not film.is_fresh for film in films),
            "seeds": sorted({film.seed for film in films}),
            "volunteers": n_people,
            "recordings": len(films),
        },
    )
    given.out.write_text(calibration.to_json(), encoding="utf-8")
    telling = sum(cell.follows and cell.tells(cell.half_width) for cell in calibration.cells.values())
    print(
        f"{given.out}: {len(calibration.cells)} cells, {telling} of them follow the truth and are narrower than people "
        "differ anyway"
    )


if __name__ == "__main__":
    main()
