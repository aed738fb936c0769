"""Measure a forward bend to the toes. Knows nothing of the other exercises."""

from __future__ import annotations

import numpy as np

from backsight.domain.assessment import Measurement
from backsight.domain.landmarks import Landmark
from backsight.kinematics.angles import trunk_lateral_lean_deg
from backsight.kinematics.bend import SMALLEST_BEND_DEG, Bend, find_bend
from backsight.kinematics.signals import smooth
from backsight.scoring import norms
from backsight.scoring.person import MOSTLY_KNOWN, Person, known_error, median_at

NO_BEND = f"Cannot be measured: no forward bend by at least {SMALLEST_BEND_DEG:.0f} degrees above standing was seen."
BEND_DEVIATION_ERROR_DEG = 7.0
"""Half width of the 90 % interval of the lean in a deep bend, where one camera errs by 5 to 7 degrees."""
_DEEP_SHARE = 0.5
"""Lateral deviation is taken where the trunk is flexed by more than this share of the deepest flexion."""
_NEAR_DEEPEST_S = 0.5
"""Fingertips must be seen within this time of the deepest point."""


def measure_touch_toes(person: Person) -> tuple[Measurement, ...]:
    """Return peak trunk flexion, bend duration, lateral deviation and fingertip-to-floor distance."""
    flexion = person.flexion_deg()
    bend = find_bend(flexion, person.times_s)
    return (
        _peak_flexion(person, bend),
        _duration(bend),
        _lateral_deviation(person, bend),
        _fingertip_to_floor(person, bend),
    )


def _peak_flexion(person: Person, bend: Bend | None) -> Measurement:
    value, note = float("nan"), NO_BEND
    if bend is not None and bend.known_share < MOSTLY_KNOWN:
        note = f"Cannot be measured: the trunk is seen in only {bend.known_share:.0%} of the bend."
    elif bend is not None and np.isnan(bend.start_s) and np.isnan(bend.end_s):
        note = "Cannot be measured: standing is seen neither before nor after the bend."
    elif bend is not None:
        value = bend.range_deg
        note = f"Own standing of {bend.standing_deg:.0f} degrees subtracted."
        if person.view.is_frontal:
            note += " Seen from the front: can be off by up to 14 degrees; film from the side."
    return Measurement(
        "trunk_flexion_deg",
        "Peak trunk flexion",
        value,
        "deg",
        norm=norms.TRUNK_FLEXION_DEG,
        note=note,
        error=known_error(value, person.flexion_error_deg),
    )


def _duration(bend: Bend | None) -> Measurement:
    value, note = float("nan"), NO_BEND
    if bend is not None and bend.known_share < MOSTLY_KNOWN:
        note = f"Cannot be measured: the trunk is seen in only {bend.known_share:.0%} of the bend."
    elif bend is not None and np.isnan(bend.down_and_up_s):
        edge = "starts" if np.isnan(bend.start_s) else "ends"
        note = f"Cannot be measured: the recording {edge} while the person is bent."
    elif bend is not None:
        value = bend.down_and_up_s
        note = f"A pause of {bend.bottom_s:.1f} s at the bottom is left out." if bend.is_paused else ""
    return Measurement(
        "bend_duration_s", "Bend duration, down and up", value, "s", norm=norms.BEND_DURATION_S, note=note
    )


def _lateral_deviation(person: Person, bend: Bend | None) -> Measurement:
    """Return the trunk's median lean during the deeper half of the bend; to the person's right positive.

    From world landmarks: in the picture a bent trunk leans by the sine of every degree that the person is not square to
    the camera.
    """
    value, note = float("nan"), person.why_not_frontal() or NO_BEND
    if bend is not None and person.view.is_frontal:
        deep = person.flexion_deg() - bend.standing_deg >= _DEEP_SHARE * bend.range_deg
        value = median_at(trunk_lateral_lean_deg(person.pose.world_m, person.frame), deep)
        note = (
            "Cannot be measured: shoulders and hips are hidden while the person is bent."
            if np.isnan(value)
            else "To the person's right positive. A hint only: one camera errs by 5 to 7 degrees in a deep bend."
        )
    return Measurement(
        "lateral_deviation_deg",
        "Lateral deviation in the bend",
        value,
        "deg",
        note=note,
        error=known_error(value, BEND_DEVIATION_ERROR_DEG),
    )


def _fingertip_to_floor(person: Person, bend: Bend | None) -> Measurement:
    value, note = float("nan"), NO_BEND
    if bend is not None:
        world_y = person.pose.world_m[:, :, 1]
        fingers = np.fmax(world_y[:, Landmark.LEFT_INDEX], world_y[:, Landmark.RIGHT_INDEX])
        floor = np.fmax.reduce(
            world_y[:, [Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL, Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX]],
            axis=1,
        )
        gap_m = smooth(floor - fingers, person.times_s)
        near = gap_m[np.abs(person.times_s - bend.deepest_s) <= _NEAR_DEEPEST_S]
        if np.isfinite(near).mean() >= MOSTLY_KNOWN:
            value = 100.0 * float(np.nanmin(near))
            note = (
                "In BlazePose's own scale, guessed from one camera, and to its landmark on the index finger, "
                "not the tip: some centimetres too much."
            )
        else:
            note = "Cannot be measured: hands or feet are hidden at the deepest point."
    return Measurement(
        "fingertip_to_floor_cm", "Fingertip to floor", value, "cm", norm=norms.FINGERTIP_TO_FLOOR_CM, note=note
    )
