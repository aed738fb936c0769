"""Where it is not known how often an interval holds, the reason that is told is the one."""

from __future__ import annotations

import pytest

from backsight.studying.wording import row_lines


def rows(n_people: int, *, has_interval: bool) -> list[dict[str, object]]:
    told: dict[str, object] = {"value": 1.0, "low": 0.5, "high": 2.0}
    base = {"learner": "kinematic", "people": n_people, "mad": told, "rho": told, "rmse": 1.0, "calibration_slope": 1.0}
    found = [base | {"kind": "learner"}, base | {"kind": "person"}]
    return [*found, *([base | {"kind": "intervals", "coverage": told}] if has_interval else [])]


@pytest.mark.parametrize(
    ("n_people", "has_interval", "in_folds", "said"),
    [
        (12, True, True, ""),
        (12, True, False, ""),
        (6, True, True, "it takes 9 people whom the learner had not seen besides the fold that is judged"),
        (12, False, True, "it takes 9 people whom the learner had not seen besides the fold that is judged"),
        (6, True, False, "because fewer than 9 people are too few to say"),
        (12, False, False, "because the model has no interval"),
    ],
)
def test_the_reason_for_a_dash(n_people: int, has_interval: bool, in_folds: bool, said: str) -> None:
    lines = row_lines(rows(n_people, has_interval=has_interval), in_folds=in_folds)
    reasons = [line for line in lines if line.startswith("90 % holds: -")]
    assert len(reasons) == bool(said)
    assert all(said in reason for reason in reasons)
