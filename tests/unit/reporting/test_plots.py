"""Curves: axes that hold the values, gaps that stay gaps, times that start with the video."""

import dataclasses
import json

import numpy as np
import pytest

from backsight.domain.recording import Exercise
from backsight.domain.sequences import FeatureSequence
from backsight.reporting.plots import MAX_POINTS, Plot, make_plots, plots_as_json
from tests.assessments import make_exercise, make_features, make_pose


def _plot(values: list[float], *, low: float = 0.0, high: float = 10.0) -> Plot:
    return Plot("k", "Title", "meaning", "°", np.arange(len(values)) / 2, np.array(values), low, high, 1)


def test_a_gap_lifts_the_pen() -> None:
    path = _plot([0.0, 5.0, np.nan, 10.0, 10.0]).path(duration_s=2.0)

    assert path == "M0.0 100.0L250.0 50.0M750.0 0.0L1000.0 0.0"


def test_nothing_is_written_as_minus_nought() -> None:
    plot = _plot([-0.04, 0.04], low=-0.0, high=20.0)

    assert plot.axis == ("0°", "20°")
    assert plot.summary == "Title: from 0.0° to 0.0°"


def test_missing_values_are_null_for_the_script() -> None:
    data = _plot([1.0, np.nan]).as_json()

    assert data["values"] == [1.0, None]
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_curves_on_the_same_times_share_them() -> None:
    data = plots_as_json(make_plots(make_exercise()))

    assert [plot["clock"] for plot in data["plots"]] == [0] * 5  # type: ignore[attr-defined]
    assert len(data["clocks"][0]) == len(data["plots"][0]["values"]) == 150  # type: ignore[index]


def test_time_starts_at_the_first_analysed_frame() -> None:
    part = make_exercise(pose=make_pose(start_s=1.6))

    for plot in make_plots(part):
        assert plot.times_s[0] == pytest.approx(0.0)
        assert plot.times_s[-1] == pytest.approx(149 / 30)


def test_the_index_comes_first_with_its_threshold_and_only_when_there_is_one() -> None:
    keys = [plot.key for plot in make_plots(make_exercise())]
    angles = ["trunk_flexion_deg", "trunk_lateral_lean_deg", "axial_rotation_deg", "shoulder_obliquity_deg"]

    assert keys == ["index", *angles]
    assert make_plots(make_exercise())[0].threshold == 0.5
    assert [plot.key for plot in make_plots(make_exercise(index=None))] == angles


def test_walk_and_jump_show_the_curve_that_their_events_are_seen_in() -> None:
    walk = {plot.key: plot for plot in make_plots(make_exercise(Exercise.WALK))}
    jump = {plot.key: plot for plot in make_plots(make_exercise(Exercise.JUMP))}

    # Feet pass each other by a fifth of the body height once a second; hips rise by 15 % of it.
    steps, hips = walk["step_separation_bh"], jump["mid_hip_travel_vertical_bh"]
    assert np.nanmax(steps.values) == pytest.approx(20.0, abs=0.2)
    assert np.nanmax(hips.values) == pytest.approx(15.0, abs=0.2)
    assert (hips.low, hips.high) == (0.0, 20.0)
    assert hips.summary.endswith("15 %")


def test_columns_that_the_features_lack_are_left_out() -> None:
    part = make_exercise()
    only = FeatureSequence(
        values=part.features.column("axial_rotation_deg")[:, np.newaxis],
        names=("axial_rotation_deg",),
        timestamps_s=part.features.timestamps_s,
    )

    plots = make_plots(dataclasses.replace(part, features=only))

    assert [plot.key for plot in plots] == ["index", "axial_rotation_deg"]


@pytest.mark.parametrize("flexion_deg", [0.0, 3.0, 95.0, 120.5])
def test_axes_hold_all_values_and_do_not_magnify_jitter(flexion_deg: float) -> None:
    pose = make_pose()
    part = dataclasses.replace(make_exercise(pose=pose), features=make_features(pose, flexion_deg=flexion_deg))

    for plot in make_plots(part)[1:]:
        assert plot.low <= np.nanmin(plot.values)
        assert plot.high >= np.nanmax(plot.values)
        assert plot.high - plot.low >= 20.0


def test_a_minute_at_60_fps_is_thinned() -> None:
    pose = make_pose(Exercise.WALK, n_frames=3600, fps=60.0)

    assert all(len(plot.values) <= MAX_POINTS for plot in make_plots(make_exercise(Exercise.WALK, pose=pose)))


def test_the_summary_says_what_the_eye_would_see() -> None:
    assert _plot([-3.0, np.nan, 8.26]).summary == "Title: from −3.0° to 8.3°"
    assert _plot([np.nan]).summary == "Title: not measured"
