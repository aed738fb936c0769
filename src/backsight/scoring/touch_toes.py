"""Measure a forward bend to the toes. Knows nothing of the other exercises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.domain.assessment import MeasuredMovement, Measurement, MovementEvent, Norm
from backsight.domain.landmarks import Landmark
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import trunk_lateral_lean_deg
from backsight.kinematics.bend import SMALLEST_BEND_DEG, STANDING_WITHIN_SHARE, Bend, find_bend
from backsight.kinematics.geometry import known, known_share, mean_of_known, median_of_known
from backsight.kinematics.sagittal import picture_weight, sagittal_knee_flexion_deg, sagittal_m
from backsight.kinematics.signals import range_of_known, rate_of_change, smooth
from backsight.kinematics.smoothness import spectral_arc_length
from backsight.kinematics.ways import Way, fit_way
from backsight.scoring import norms
from backsight.scoring.person import MOSTLY_KNOWN, Person, median_at

NO_BEND = f"Cannot be measured: no forward bend by at least {SMALLEST_BEND_DEG:.0f} degrees above standing was seen."
FLEXION_CLEAR_BEYOND_DEG = 45.0
"""From this angle off the front or back the flexion is seen well enough to take its times from."""
SMOOTH_WITHIN_SHARE, SMOOTH_WITHIN_SHARE_UNCLEAR = 0.07, 0.13
"""What tells the times of a bend lies within this share of it of a smooth one in three quarters of each way or more;
the second where the flexion is not seen clearly, and coordinates that hardly move have a part. Set between the rendered
volunteers of seed 7001 and drawn bends: with a stop of 0.3 s or more on the way, seen from 45 degrees or more, 0.08 or
more; of somebody lost in 2.0 s of 3.2 s 0.14 or more from the front. There most stops on the way go unseen, of whatever
length, and the time for that way may come out twice as long: no times are told there."""
TIMES_UNSEEN = (
    "Cannot be measured in this view, where a stop on the way would go unnoticed and make it look twice as long; film "
    "from the side."
)
DEEP_SHARE = 0.5
"""Lateral deviation is taken where the trunk is flexed by more than this share of the deepest flexion."""
BOTTOM_WITHIN_S = 0.25
"""Knees and fingertips are read within this time of the deepest point or while the person stays at the bottom."""
HIPS_VISIBLE_BEYOND_DEG = 40.0
"""From this angle off the front or back the picture shows the hips going back over the ankles."""
PAUSE_WORTH_SAYING_S = 0.3
HIPS_STAY = "Cannot be measured: the hips are not seen to go back."
SHORTEST_WAY_OF_HIPS_BH = 0.02
"""Hips that go back by less than this share of the body height have not moved further than landmarks jitter."""
HIPS_EARLIER_BY_S = 1.0
"""Hips that set off by more than this before the trunk have done something else."""
ONSET_SHARE = 0.1
"""Hips and trunk have set off when they have covered this share of their way."""
HAND_BEYOND_INDEX = 1.9
"""Wrist to fingertip against wrist to BlazePose's landmark on the index finger, its first knuckle: that knuckle lies at
0.52 of the hand's length (assumption, as in the simulation)."""
LEAST_PICTURE_WEIGHT = 0.5
"""The picture has at least this part in the height of the fingertips, from whichever side."""
HANDS_SEEN, LEAST_REACH_BH = 0.5, 0.27
"""Who reaches for the floor has the wrists below the shoulders by nearly the arms' length, which is a third of the body
height. Index fingers of lower visibility whose wrists hang by less than this share of the body height are a guess near
the trunk: of rendered volunteers (seed 7001) two whose hands were said to be seen were like that, 11 and 23 cm too
high, and seven whose hands were hidden, too, by 13 to 51 cm."""
LEAST_CENTILE = 5.0
"""Centile that stands for the least height, so that no single frame decides."""
SPEED_SPAN_S = 0.15
"""Head and shoulders are smoothed, and their speed is taken, over this time: long enough for jitter, short enough for
halts. Of rendered volunteers (seed 7001) the smoothness over 0.1 s told less of how they were made."""
FEET = [Landmark.LEFT_HEEL, Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_HEEL, Landmark.RIGHT_FOOT_INDEX]

FLEXION_SOURCE = (
    "Peak sagittal inclination of the line from mid-hip to mid-shoulder, less the person's own standing. "
    "Definition of this project."
)
TIMES_SOURCE = (
    "From leaving standing to the bottom and back, by fitting curves between least acceleration and least jerk (Flash "
    "and Hogan 1985), symmetric or not, to the trunk's flexion and to head and shoulders in the picture; a pause at "
    "the bottom is left out."
)
DEVIATION_SOURCE = (
    "Median sideways lean of the line from mid-hip to mid-shoulder while flexion exceeds half its peak. "
    "Definition of this project."
)
FINGERTIP_SOURCE = "Least height of the lower fingertip over the floor (Perret et al.)."
KNEE_SOURCE = "Mean flexion of both knees at the deepest point, less standing. Definition of this project."
SMOOTHNESS_SOURCE = (
    "Spectral arc length (SPARC, Balasubramanian et al. 2015, doi:10.1186/s12984-015-0090-9) of the speed at which "
    "head and shoulders move in the picture over about 0.15 s, mean of the way down and the way up. The nearer to 0 "
    "the smoother; about -1.4 at the smoothest."
)
DELAY_SOURCE = (
    "Time at which the hips have covered 10 % of their way back over the ankles, less the time at which the trunk has "
    "covered 10 % of its flexion. Definition of this project."
)


def measure_touch_toes(person: Person) -> MeasuredMovement:
    """Return the deepest bend's flexion, times, deviation, fingertip-to-floor distance, knees, delay and smoothness."""
    is_clear = person.view.off_front_deg >= FLEXION_CLEAR_BEYOND_DEG
    bend = find_bend(
        person.flexion_deg(), person.times_s, carried=upper_body_places(person), times_from_flexion=is_clear
    )
    why_not = NO_BEND if bend is None else _why_cut(person, bend) or _why_lost(bend, is_clear=is_clear)
    if bend is None or why_not:
        return MeasuredMovement(tuple(_result(name, float("nan"), why_not) for name in _SHOWN))
    return MeasuredMovement(
        (
            _peak_flexion(person, bend),
            *_times(person, bend, is_clear=is_clear),
            _lateral_deviation(person, bend),
            _fingertip_to_floor(person, bend),
            _knee_flexion(person, bend),
            _hip_delay(person, bend),
            _smoothness(person, bend),
        ),
        _events(person, bend),
    )


@dataclass(frozen=True)
class _Shown:
    """How a measure is shown, whatever its value."""

    label: str
    unit: str
    source: str
    norm: Norm | None = None


_SHOWN = {
    "trunk_flexion_deg": _Shown("Peak trunk flexion", "deg", FLEXION_SOURCE, norms.TRUNK_FLEXION_DEG),
    "bend_down_s": _Shown("Bend, way down", "s", TIMES_SOURCE),
    "bend_up_s": _Shown("Bend, way up", "s", TIMES_SOURCE),
    "bend_duration_s": _Shown("Bend duration, down and up", "s", TIMES_SOURCE, norms.BEND_DURATION_S),
    "lateral_deviation_deg": _Shown("Lateral deviation in the bend", "deg", DEVIATION_SOURCE),
    "fingertip_to_floor_cm": _Shown("Fingertip to floor", "cm", FINGERTIP_SOURCE, norms.FINGERTIP_TO_FLOOR_CM),
    "bend_knee_flexion_deg": _Shown("Knee flexion in the bend", "deg", KNEE_SOURCE),
    "hip_delay_s": _Shown("Delay of the hips behind the trunk", "s", DELAY_SOURCE),
    "bend_smoothness_sparc": _Shown("Smoothness of the bend", "SPARC", SMOOTHNESS_SOURCE),
}


def _result(name: str, value: float, note: str) -> Measurement:
    shown = _SHOWN[name]
    return Measurement(name, shown.label, value, shown.unit, norm=shown.norm, note=note, source=shown.source)


def upper_body_places(person: Person) -> tuple[FloatArray, ...]:
    """Return where ears and shoulders are in the picture, across and down; four of shape (n_frames,), NaN = missing."""
    image_px = person.pose.image_px
    ears = mean_of_known(image_px[:, Landmark.LEFT_EAR], image_px[:, Landmark.RIGHT_EAR])
    shoulders = mean_of_known(image_px[:, Landmark.LEFT_SHOULDER], image_px[:, Landmark.RIGHT_SHOULDER])
    return ears[:, 0], ears[:, 1], shoulders[:, 0], shoulders[:, 1]


def _why_cut(person: Person, bend: Bend) -> str:
    """Return that the recording does not hold the deepest point, as one sentence; empty when it does.

    The fit gives a time for what it does not see: a way that goes on after the recording.
    """
    first_s, last_s = _limits_s(person)
    if bend.bottom_s > last_s:
        return "Cannot be measured: the recording ends before the deepest point."
    if np.isnan(bend.bottom_s) and bend.leave_s < first_s:
        return "Cannot be measured: the recording starts after the deepest point."
    return ""


def _limits_s(person: Person) -> tuple[float, float]:
    """Return from when to when the recording lasts, with a frame to spare at either end."""
    frame_s = 1.0 / person.pose.fps
    return person.times_s[0] - frame_s, person.times_s[-1] + frame_s


def _why_lost(bend: Bend, *, is_clear: bool) -> str:
    """Return why the person is not seen well enough in the bend, as one sentence; empty when they are."""
    if bend.known_share < MOSTLY_KNOWN:
        return f"Cannot be measured: the trunk is seen in only {bend.known_share:.0%} of the bend."
    if np.isnan(bend.misfit):
        return "Cannot be measured: too little of the trunk, the head and the shoulders is seen in the bend."
    if bend.misfit > (SMOOTH_WITHIN_SHARE if is_clear else SMOOTH_WITHIN_SHARE_UNCLEAR):
        return (
            f"Cannot be measured: what is seen of the bend is {bend.misfit:.0%} of it off a smooth movement, as where "
            "the person stops on the way, or is lost while bent: film from the side."
        )
    return ""


def _events(person: Person, bend: Bend) -> tuple[MovementEvent, ...]:
    """Return the bend's moments that lie within the recording."""
    found = (
        MovementEvent("bend_start", "Bend starts", bend.start_s),
        MovementEvent("bend_bottom", "Deepest point", 0.5 * (bend.bottom_s + bend.leave_s)),
        MovementEvent("bend_end", "Upright again", bend.end_s),
    )
    first_s, last_s = person.times_s[0], person.times_s[-1]
    return tuple(event for event in found if first_s <= event.time_s <= last_s)


def _peak_flexion(person: Person, bend: Bend) -> Measurement:
    value, note = float("nan"), ""
    if np.isnan(bend.start_s) and np.isnan(bend.end_s):
        note = "Cannot be measured: standing is seen neither before nor after the bend."
    elif person.shows_back and not person.view.is_lateral:
        note = "Cannot be measured from behind, where the hips hide the trunk: film from the side."
    else:
        value = bend.range_deg
        note = f"Own standing of {bend.standing_deg:.0f} degrees subtracted."
        if person.view.is_frontal:
            note += " Seen from the front, flexion is a guess of depth: film from the side."
    return _result("trunk_flexion_deg", value, note)


def _times(person: Person, bend: Bend, *, is_clear: bool) -> tuple[Measurement, ...]:
    if not is_clear:
        return tuple(
            _result(name, float("nan"), TIMES_UNSEEN) for name in ("bend_down_s", "bend_up_s", "bend_duration_s")
        )
    first_s, last_s = _limits_s(person)
    down_s = bend.down.duration_s if bend.start_s >= first_s else float("nan")
    up_s = bend.up.duration_s if bend.end_s <= last_s else float("nan")
    values = {"bend_down_s": down_s, "bend_up_s": up_s, "bend_duration_s": down_s + up_s}
    edges = {"bend_down_s": "starts", "bend_up_s": "ends", "bend_duration_s": "starts or ends"}
    pause = (
        f"A pause of {bend.pause_s:.1f} s at the bottom is left out." if bend.pause_s >= PAUSE_WORTH_SAYING_S else ""
    )
    return tuple(
        _result(
            name,
            value,
            f"Cannot be measured: the recording {edges[name]} while the person is bent." if np.isnan(value) else pause,
        )
        for name, value in values.items()
    )


def _lateral_deviation(person: Person, bend: Bend) -> Measurement:
    """Return the trunk's median lean during the deeper half of the bend; to the person's right positive.

    From world landmarks: in the picture a bent trunk leans by the sine of every degree that the person is not square to
    the camera.
    """
    value, note = float("nan"), person.why_not_frontal()
    if not note:
        share = (person.flexion_deg() - bend.standing_deg) / bend.range_deg
        value = median_at(trunk_lateral_lean_deg(person.pose.world_m, person.frame), share >= DEEP_SHARE)
        note = (
            "Cannot be measured: shoulders and hips are hidden while the person is bent."
            if np.isnan(value)
            else "To the person's right positive."
        )
    return _result("lateral_deviation_deg", value, note)


def _fingertip_to_floor(person: Person, bend: Bend) -> Measurement:
    near = _at_bottom(person, bend)
    lowest_m = np.fmin(*fingertip_heights_m(person))[near]
    if not known_share(lowest_m) >= MOSTLY_KNOWN:
        note = "Cannot be measured: hands or feet are hidden at the deepest point."
        return _result("fingertip_to_floor_cm", float("nan"), note)
    if _hands_are_guessed(person, near):
        note = "Cannot be measured: the hands are hardly seen at the deepest point, and not where arms that reach are."
        return _result("fingertip_to_floor_cm", float("nan"), note)
    note = (
        "In BlazePose's own scale, guessed from one camera: give the person's height for true centimetres."
        if person.height_m is None
        else ""
    )
    least_m = float(np.percentile(known(lowest_m), LEAST_CENTILE))
    return _result("fingertip_to_floor_cm", 100.0 * person.scale * least_m, note)


def _hands_are_guessed(person: Person, near: NDArray[np.bool_]) -> bool:
    """Return True where the index fingers are hardly seen and the lower wrist is not far below the shoulders."""
    fingers = person.pose.visibility[near][:, [Landmark.LEFT_INDEX, Landmark.RIGHT_INDEX]]
    down_px = person.pose.image_px[near, :, 1]
    shoulders_px = median_of_known(down_px[:, [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]])
    lower_wrist_px = max(
        np.nan_to_num(median_of_known(down_px[:, wrist]), nan=-np.inf)
        for wrist in (Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST)
    )
    reach_bh = (lower_wrist_px - shoulders_px) / person.body.height_px
    return bool(np.median(fingers) < HANDS_SEEN and reach_bh < LEAST_REACH_BH)


def fingertip_heights_m(person: Person) -> tuple[FloatArray, FloatArray]:
    """Return how high the left and the right fingertip are over the floor, in BlazePose's metres.

    From picture and world: the picture is the more exact, but seen from the front it takes what is near for low. The
    floor is where the feet are, on the whole of the recording in the picture and frame by frame in the world, which is
    centred on hips that move. Shape (n_frames,) each; NaN = missing.
    """
    weight = max(picture_weight(person.view), LEAST_PICTURE_WEIGHT)
    picture_m = -person.pose.image_px[:, :, 1] / person.body.px_per_m
    world_m = -person.pose.world_m[:, :, 1]
    picture_m = picture_m - median_of_known(picture_m[:, FEET])
    world_m = (
        world_m
        - mean_of_known(
            mean_of_known(world_m[:, FEET[0]], world_m[:, FEET[1]]),
            mean_of_known(world_m[:, FEET[2]], world_m[:, FEET[3]]),
        )[:, np.newaxis]
    )
    height_m = weight * picture_m + (1.0 - weight) * world_m

    def side(wrist: Landmark, index: Landmark) -> FloatArray:
        tip_m = height_m[:, wrist] + HAND_BEYOND_INDEX * (height_m[:, index] - height_m[:, wrist])
        return smooth(tip_m, person.times_s)

    return side(Landmark.LEFT_WRIST, Landmark.LEFT_INDEX), side(Landmark.RIGHT_WRIST, Landmark.RIGHT_INDEX)


def _knee_flexion(person: Person, bend: Bend) -> Measurement:
    knees_deg = smooth(sagittal_knee_flexion_deg(person.pose, view=person.view, body=person.body), person.times_s)
    bent_deg = median_of_known(knees_deg[_at_bottom(person, bend)])
    standing_deg = median_of_known(knees_deg[_standing(person, bend)])
    value = bent_deg - standing_deg
    note = "Own standing subtracted." if np.isfinite(value) else "Cannot be measured: the legs are hidden."
    return _result("bend_knee_flexion_deg", value, note)


def _hip_delay(person: Person, bend: Bend) -> Measurement:
    why_not = ""
    if not person.view.off_front_deg >= HIPS_VISIBLE_BEYOND_DEG:
        why_not = "Cannot be measured in this view: the way of the hips must be seen from the side."
    elif np.isnan(bend.start_s):
        why_not = "Cannot be measured: the recording starts while the person is bent."
    if why_not:
        return _result("hip_delay_s", float("nan"), why_not)
    seen_m = sagittal_m(person.pose, view=person.view, body=person.body)[..., 0]
    hips = mean_of_known(seen_m[:, Landmark.LEFT_HIP], seen_m[:, Landmark.RIGHT_HIP])
    last_s = bend.leave_s if np.isfinite(bend.leave_s) else bend.deepest_s
    down = (person.times_s >= bend.start_s - HIPS_EARLIER_BY_S) & (person.times_s <= last_s)
    if not range_of_known(hips[down]) >= SHORTEST_WAY_OF_HIPS_BH * person.body.height_m:
        return _result("hip_delay_s", float("nan"), HIPS_STAY)
    way = fit_way(-hips[down], person.times_s[down], start_s=bend.start_s, arrive_s=bend.bottom_s)
    hips_s = way.time_at(ONSET_SHARE)
    if not bend.start_s - HIPS_EARLIER_BY_S <= hips_s <= last_s:
        return _result("hip_delay_s", float("nan"), HIPS_STAY)
    return _result("hip_delay_s", hips_s - bend.down.time_at(ONSET_SHARE), "")


def _smoothness(person: Person, bend: Bend) -> Measurement:
    """Return SPARC of the bend; a stay at the bottom is left out, as it is from the times."""
    first_s, last_s = _limits_s(person)
    if not (first_s <= bend.start_s and bend.end_s <= last_s):  # nor where a way is not seen, whose times are NaN
        note = "Cannot be measured: the recording starts or ends while the person is bent."
        return _result("bend_smoothness_sparc", float("nan"), note)
    found = [_sparc_within(way, person) for way in (bend.down, bend.up)]
    if np.isnan(found).any():
        note = "Cannot be measured: head and shoulders are hidden on the way, or the bend is too short."
        return _result("bend_smoothness_sparc", float("nan"), note)
    return _result("bend_smoothness_sparc", float(np.mean(found)), "")


def _sparc_within(way: Way, person: Person) -> float:
    """Return SPARC of the mean velocity of ears and shoulders, of those that are seen in most of a way."""
    within = (person.times_s >= way.start_s) & (person.times_s <= way.arrive_s)
    ears_x, ears_y, shoulders_x, shoulders_y = (
        rate_of_change(smooth(place_px, person.times_s, window_s=SPEED_SPAN_S), person.times_s, span_s=SPEED_SPAN_S)[
            within
        ]
        for place_px in upper_body_places(person)
    )
    # One for the whole way, as ears move faster than shoulders: ears that come and go would look like halting.
    seen = [
        [_filled(speed, person.times_s[within]) for speed in velocity]
        for velocity in ((ears_x, ears_y), (shoulders_x, shoulders_y))
        if min(known_share(speed) for speed in velocity) >= MOSTLY_KNOWN
    ]
    if not seen:
        return float("nan")
    return spectral_arc_length(np.hypot(*np.mean(seen, axis=0)), fps=person.pose.fps)


def _filled(values: FloatArray, times_s: FloatArray) -> FloatArray:
    there = np.isfinite(values)
    return np.interp(times_s, times_s[there], values[there])


def _at_bottom(person: Person, bend: Bend) -> NDArray[np.bool_]:
    """Return the frames at and near the deepest point, with a pause at the bottom in them; shape (n_frames,)."""
    from_s = np.fmin(bend.bottom_s, bend.deepest_s) - BOTTOM_WITHIN_S
    to_s = np.fmax(bend.leave_s, bend.deepest_s) + BOTTOM_WITHIN_S
    near: NDArray[np.bool_] = (person.times_s >= from_s) & (person.times_s <= to_s)
    return near


def _standing(person: Person, bend: Bend) -> NDArray[np.bool_]:
    """Return the frames in which the person stands before or after the bend; shape (n_frames,)."""
    share = (smooth(person.flexion_deg(), person.times_s) - bend.standing_deg) / bend.range_deg
    standing: NDArray[np.bool_] = share <= STANDING_WITHIN_SHARE / 2
    return standing
