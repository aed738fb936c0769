"""Realistic assessments with analytic poses, for tests of exports, reports and whatever else shows results.

The person is a stick figure of 1.70 m whose trunk angles are chosen, seen by an orthographic camera of `PX_PER_M`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from backsight.domain.assessment import (
    Assessment,
    ExerciseAssessment,
    IndexCurve,
    IndexVerdict,
    Interval,
    Measurement,
    ModelCard,
    MovementEvent,
    Norm,
    NormKind,
    QualityCheck,
    QualityReport,
    QualityVerdict,
    SubIndex,
)
from backsight.domain.landmarks import SKELETON, Landmark
from backsight.domain.recording import Exercise, SourceInfo
from backsight.domain.sequences import FeatureSequence, PoseSequence
from backsight.domain.validation import FloatArray
from backsight.features.schema import FEATURE_NAMES

FRAME_SIZE = (1280, 720)
PX_PER_M = 330.0
HIP_HEIGHT_M = 0.90

_ONE_SIDE_M: dict[str, tuple[float, float, float]] = {
    # Outwards from the middle, up from the floor, forward; metres, standing with arms hanging.
    "eye_inner": (0.015, 1.60, 0.09),
    "eye": (0.03, 1.60, 0.09),
    "eye_outer": (0.045, 1.60, 0.08),
    "ear": (0.075, 1.57, 0.0),
    "mouth": (0.025, 1.53, 0.09),
    "shoulder": (0.18, 1.40, 0.0),
    "elbow": (0.21, 1.11, 0.0),
    "wrist": (0.22, 0.86, 0.02),
    "pinky": (0.22, 0.78, 0.01),
    "index": (0.22, 0.77, 0.04),
    "thumb": (0.21, 0.80, 0.06),
    "hip": (0.11, HIP_HEIGHT_M, 0.0),
    "knee": (0.11, 0.49, 0.02),
    "ankle": (0.11, 0.09, 0.0),
    "heel": (0.11, 0.03, -0.05),
    "foot_index": (0.12, 0.02, 0.15),
}
_HANDS = ("elbow", "wrist", "pinky", "index", "thumb")
_LEGS = ("knee", "ankle", "heel", "foot_index")


def _part(landmark: Landmark) -> str:
    return landmark.name.lower().replace("left_", "").replace("right_", "").replace("_left", "").replace("_right", "")


def _standing() -> FloatArray:
    """Return the figure upright: to its left, up, forward; metres; shape (33, 3)."""
    points = np.zeros((len(Landmark), 3))
    for landmark in Landmark:
        if landmark is Landmark.NOSE:
            points[landmark] = (0.0, 1.57, 0.11)
            continue
        outward, up, forward = _ONE_SIDE_M[_part(landmark)]
        points[landmark] = (outward if "LEFT" in landmark.name else -outward, up, forward)
    return points


def _rotate(points: FloatArray, angle_rad: float, axes: tuple[int, int], centre: FloatArray) -> FloatArray:
    """Turn points from the first axis towards the second about `centre`."""
    turned, moved = points - centre, points.copy()
    first, second = axes
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    moved[:, first] = centre[first] + cos * turned[:, first] - sin * turned[:, second]
    moved[:, second] = centre[second] + sin * turned[:, first] + cos * turned[:, second]
    return moved


_UPPER = np.array([landmark for landmark in Landmark if _part(landmark) not in (*_LEGS, "hip")])
_ARMS = np.array([landmark for landmark in Landmark if _part(landmark) in _HANDS])
_HIP_CENTRE = np.array([0.0, HIP_HEIGHT_M, 0.0])
_SHOULDER_CENTRE = np.array([0.0, 1.40, 0.0])


def _rows(side: str, parts: tuple[str, ...]) -> np.ndarray:
    return np.array([landmark for landmark in Landmark if side in landmark.name and _part(landmark) in parts])


_SWINGING = (
    (_rows("LEFT", _LEGS), _HIP_CENTRE, 1.0),
    (_rows("RIGHT", _LEGS), _HIP_CENTRE, -1.0),
    (_rows("LEFT", _HANDS), _SHOULDER_CENTRE, -1.0),
    (_rows("RIGHT", _HANDS), _SHOULDER_CENTRE, 1.0),
)
"""Rows, what they turn about, and which way they swing while walking: arms against legs."""
_UPRIGHT = _standing()


def _posture(*, flexion_deg: float, lean_deg: float, stride_deg: float) -> FloatArray:
    points = _UPRIGHT.copy()
    if stride_deg:
        for rows, centre, turn in _SWINGING:
            points[rows] = _rotate(points[rows], np.radians(turn * stride_deg), (1, 2), centre)
    # Arms hang while the trunk flexes, so they turn back by the same angle about the shoulders.
    points[_ARMS] = _rotate(points[_ARMS], -np.radians(flexion_deg), (1, 2), _SHOULDER_CENTRE)
    points[_UPPER] = _rotate(points[_UPPER], np.radians(flexion_deg), (1, 2), _HIP_CENTRE)
    points[_UPPER] = _rotate(points[_UPPER], np.radians(lean_deg), (0, 1), _HIP_CENTRE)
    return points


def make_pose(
    exercise: Exercise = Exercise.TOUCH_TOES,
    *,
    n_frames: int = 150,
    fps: float = 30.0,
    start_s: float = 0.0,
    flexion_deg: float = 95.0,
    lean_deg: float = 4.0,
    yaw_deg: float = 70.0,
    hidden: Sequence[tuple[Landmark, int, int]] = ((Landmark.RIGHT_WRIST, 60, 85), (Landmark.RIGHT_ELBOW, 62, 80)),
    nobody: tuple[int, int] = (110, 118),
) -> PoseSequence:
    """Move the figure: one bend down and up, a walk across the picture, or a jump of 0.30 m.

    `hidden` lists (landmark, first frame, frame after the last) without a position; in the frames `nobody` there is
    no person at all.
    """
    seconds = np.arange(n_frames) / fps
    phase = seconds / max(seconds[-1], 1e-9) if n_frames > 1 else np.zeros(1)
    world, image = np.empty((n_frames, len(Landmark), 3)), np.empty((n_frames, len(Landmark), 3))
    for frame in range(n_frames):
        bend, stride, travel_m, rise_m = 0.0, 0.0, 0.0, 0.0
        if exercise is Exercise.TOUCH_TOES:
            bend = flexion_deg * float(np.sin(np.pi * phase[frame])) ** 2
        elif exercise is Exercise.WALK:
            bend, stride = 4.0, 25.0 * float(np.sin(2 * np.pi * seconds[frame]))
            travel_m = 2.4 * (float(phase[frame]) - 0.5)
        else:
            crouch = float(np.exp(-(((phase[frame] - 0.42) / 0.06) ** 2)))
            air = float(np.clip((phase[frame] - 0.5) / 0.12, 0.0, 1.0))
            bend, rise_m = 40.0 * crouch, 0.30 * 4 * air * (1 - air) - 0.12 * crouch
        points = _posture(flexion_deg=bend, lean_deg=lean_deg, stride_deg=stride) - _HIP_CENTRE
        seen = _rotate(points, np.radians(yaw_deg), (0, 2), np.zeros(3))
        world[frame] = seen * (1.0, -1.0, -1.0)
        hip_px = np.array([640 + travel_m * PX_PER_M, 380 - rise_m * PX_PER_M, 0.0])
        image[frame] = world[frame] * PX_PER_M + hip_px
    visibility = np.full((n_frames, len(Landmark)), 0.97)
    gone = np.zeros((n_frames, len(Landmark)), dtype=bool)
    for landmark, first, end in hidden:
        gone[first:end, landmark] = True
    visibility[gone] = 0.35
    gone[slice(*nobody)] = True
    visibility[slice(*nobody)] = 0.0
    image[gone], world[gone] = np.nan, np.nan
    return PoseSequence(
        image_px=image,
        world_m=world,
        visibility=visibility,
        presence=np.where(visibility > 0, 0.99, 0.0),
        timestamps_s=start_s + seconds,
        frame_size=FRAME_SIZE,
    )


def make_features(pose: PoseSequence, *, flexion_deg: float = 95.0) -> FeatureSequence:
    """Return the named columns with smooth angles; missing where the pose shows nobody."""
    n_frames = pose.n_frames
    phase = np.linspace(0.0, 1.0, n_frames)
    values = np.zeros((n_frames, len(FEATURE_NAMES)))
    angles = {
        "trunk_flexion": flexion_deg * np.sin(np.pi * phase) ** 2,
        "trunk_lateral": 4.0 + 1.5 * np.sin(4 * np.pi * phase),
        "axial_rotation": 7.0 * np.sin(3 * np.pi * phase),
        "shoulder_obliquity": -2.0 + np.cos(5 * np.pi * phase),
        "mid_hip_travel_vertical": 0.15 * np.exp(-(((phase - 0.56) / 0.04) ** 2)),
        "step_separation": 0.2 * np.sin(2 * np.pi * pose.timestamps_s),
    }
    for column, name in enumerate(FEATURE_NAMES):
        for start, angle in angles.items():
            if start in name:
                values[:, column] = angle
    values[~pose.has_person] = np.nan
    return FeatureSequence(values=values, names=FEATURE_NAMES, timestamps_s=pose.timestamps_s)


CARD = ModelCard(
    name="backsight-default",
    version="0.1.0",
    headline="Trained on simulated people only; clinically unvalidated.",
    training_data="Virtual cohort of 2000 simulated volunteers, seed 7.",
    interval_half_width=0.18,
    text=(
        "# Model card: backsight-default\n\n"
        "Trained on simulated people only; **clinically unvalidated**.\n\n"
        "## Data\n\n- 2000 virtual volunteers\n- three exercises each, seed `7`\n\n"
        "## Error\n\n| set | MAE |\n| --- | --- |\n| held-out virtual people | 0.09 |\n\n"
        "Not for <diagnosis> & not a medical device.\n"
    ),
)

LAIRD = Norm(111.0, 93.0, 128.0, "Laird 2019, n = 126", NormKind.DERIVED_CENTILES, assumption="normal distribution")

LEAN = Norm(0.0, -2.5, 2.5, "Lean (remembered)", NormKind.REMEMBERED_RANGE)


def _checks(verdict: QualityVerdict) -> tuple[QualityCheck, ...]:
    good, poor = QualityVerdict.GOOD, QualityVerdict.POOR
    passed = (
        QualityCheck("person_found", "Person found", good, 0.98, "share", "seen in 98 % of the frames"),
        QualityCheck("frame_rate", "Frame rate", good, 29.97, "fps", "30.0 frames a second"),
        QualityCheck("light", "Light", good, 121.0, "luma", "bright enough"),
        QualityCheck("camera_still", "Camera still", good, 0.002, "widths", "moved by 0.2 % of the width"),
    )
    if verdict is QualityVerdict.GOOD:
        return passed
    bad = QualityCheck(
        "whole_body_in_frame",
        "Whole body in frame",
        verdict,
        0.62 if verdict is QualityVerdict.UNUSABLE else 0.12,
        "share",
        f"feet out of frame in {62 if verdict is QualityVerdict.UNUSABLE else 12} % of the frames",
        tip="Step back until head and feet stay in the picture during the whole exercise.",
    )
    blurred = QualityCheck(
        "sharpness", "Sharpness", poor, 11.0, "variance", "soft picture", "Clean the lens and tap to focus."
    )
    return (*passed, bad, blurred)


BASIS = "96 virtual volunteers seen from the side, BlazePose full"


def make_measurements(exercise: Exercise) -> tuple[Measurement, ...]:
    """Measured and missing, with a closed norm, an open one and none; each with its source."""
    speed = Norm(1.3, 1.05, np.inf, "Bohannon 2011", NormKind.RANGE_OF_GROUP_MEANS, assumption="women 40-59")
    duration = Norm(2.28, -np.inf, 3.1, "Laird 2019", NormKind.DERIVED_CENTILES)
    reach = Norm(0.0, -np.inf, 10.0, "Perret 2001", NormKind.CUT_OFF)
    height = Norm(25, 14, 38, "Jump heights (remembered)", NormKind.REMEMBERED_RANGE)
    return {
        Exercise.TOUCH_TOES: (
            Measurement(
                "trunk_flexion_deg",
                "Trunk flexion",
                95.2,
                "deg",
                LAIRD,
                error=7.0,
                source="Line from hips to shoulders, beyond the person's own standing.",
                error_basis=BASIS,
            ),
            Measurement("bend_duration_s", "Bend duration, down and up", 3.4, "s", duration, source="Laird 2019"),
            Measurement("fingertip_to_floor_cm", "Fingertip to floor", 14.0, "cm", reach, source="Perret 2001"),
            Measurement(
                "bend_knee_flexion_deg",
                "Knee bend while reaching down",
                6.0,
                "deg",
                source="Mean of both knees at the deepest point, beyond standing.",
            ),
            Measurement(
                "lateral_deviation_deg",
                "Lateral deviation while bending",
                float("nan"),
                "deg",
                None,
                "Not measured: seen from the side, film from the front.",
                source="Median sideways lean while flexion exceeds half its peak.",
            ),
            Measurement(
                "lateral_lean_deg",
                "Lateral lean of the trunk",
                1.2,
                "deg",
                LEAN,
                error=1.4,
                source="Median slope of the line from hips to shoulders while upright.",
                error_basis=BASIS,
            ),
        ),
        Exercise.WALK: (
            Measurement("gait_speed_m_per_s", "Gait speed", 1.12, "m/s", speed, source="Bohannon 2011"),
            Measurement(
                "step_time_asymmetry_percent",
                "Step symmetry index",
                float("nan"),
                "%",
                None,
                "Not measured: two metres held only two steps, and three are needed.",
                source="Robinson 1987",
            ),
        ),
        Exercise.JUMP: (
            Measurement(
                "jump_flight_height_cm",
                "Jump height",
                27.5,
                "cm",
                height,
                "One frame is 4 cm.",
                error=4.0,
                source="g t^2 / 8 of the flight time t.",
                error_basis=BASIS,
            ),
        ),
    }[exercise]


def make_events(exercise: Exercise) -> tuple[MovementEvent, ...]:
    """Return the moments of each movement, between frames."""
    return {
        Exercise.TOUCH_TOES: (
            MovementEvent("bend_start", "Bend begins", 0.61),
            MovementEvent("bend_bottom", "Deepest", 2.483),
            MovementEvent("bend_end", "Upright again", 4.37),
        ),
        Exercise.WALK: (
            MovementEvent("left_heel_strike", "Left heel strike", 1.252),
            MovementEvent("right_heel_strike", "Right heel strike", 1.751),
            MovementEvent("left_heel_strike", "Left heel strike", 2.247),
            MovementEvent("right_heel_strike", "Right heel strike", 2.75),
        ),
        Exercise.JUMP: (
            MovementEvent("take_off", "Take-off", 2.487),
            MovementEvent("apex", "Highest", 2.782),
            MovementEvent("landing", "Landing", 3.079),
        ),
    }[exercise]


def make_sub_indices(lean_deg: float = 4.0) -> tuple[SubIndex, ...]:
    """One flagged, one that its error leaves open, one not measured."""
    remembered = NormKind.REMEMBERED_RANGE
    lean = Measurement(
        "lateral_lean_deg",
        "Lateral lean",
        lean_deg,
        "deg",
        LEAN,
        error=1.0,
        source="Median slope of the line from hips to shoulders while upright.",
        error_basis=BASIS,
    )
    rotation = Measurement(
        "axial_rotation_range_deg",
        "Axial rotation",
        9.1,
        "deg",
        Norm(9.0, 7.0, np.inf, "Crosbie 1997; lower end remembered", remembered),
        error=10.0,
        source="Crosbie 1997",
        error_basis=BASIS,
    )
    shoulders = Measurement(
        "shoulder_obliquity_deg",
        "Shoulder unevenness",
        float("nan"),
        "deg",
        Norm(0.0, -2.5, 2.5, "Shoulders (remembered)", remembered),
        "Not measured: the shoulders were seen from the side.",
        source="Median slope of the shoulder line while upright.",
    )
    return (
        SubIndex("asymmetric_lean", "Asymmetric lean", 0.8, lean, Interval(0.6, 1.0)),
        SubIndex("axial_rotation", "Reduced axial rotation", 0.0, rotation, Interval(0.0, 1.0)),
        SubIndex("shoulder_unevenness", "Shoulder unevenness", float("nan"), shoulders, None),
    )


def make_exercise(
    exercise: Exercise = Exercise.TOUCH_TOES,
    *,
    index: float | None = 0.63,
    quality: QualityVerdict = QualityVerdict.GOOD,
    pose: PoseSequence | None = None,
    notes: tuple[str, ...] = (),
) -> ExerciseAssessment:
    """Assess one exercise; without an index it is unusable and carries no numbers."""
    pose = pose or make_pose(exercise)
    curve = None
    if index is not None:
        seconds = pose.timestamps_s - pose.timestamps_s[0]
        raw = index + (0.35 - index) * np.exp(-seconds / 0.8) + 0.03 * np.sin(5 * seconds) * np.exp(-seconds)
        curve = IndexCurve(timestamps_s=pose.timestamps_s, raw=np.append(raw[:-1], index))
    return ExerciseAssessment(
        exercise=exercise,
        source=SourceInfo(
            name=f"{exercise.value} <at home>.mp4",
            width=1920,
            height=1080,
            fps=30.0,
            duration_s=pose.duration_s,
            codec="h264",
            analysed_size=FRAME_SIZE,
        ),
        pose=pose,
        features=make_features(pose),
        quality=QualityReport(_checks(QualityVerdict.UNUSABLE if index is None else quality)),
        removed_share=0.061,
        filled_share=0.012,
        measurements=() if index is None else make_measurements(exercise),
        events=() if index is None else make_events(exercise),
        sub_indices=() if index is None else make_sub_indices(),
        curve=curve,
        interval=None if index is None else Interval(max(index - 0.18, 0.0), min(index + 0.18, 1.0)),
        unfamiliar_share=float("nan") if index is None else 0.03,
        notes=notes,
    )


def make_assessment(
    parts: Sequence[ExerciseAssessment] | None = None,
    *,
    verdict: IndexVerdict | None = None,
    reason: str | None = None,
    half_width: float = 0.15,
    height_m: float | None = None,
    notes: tuple[str, ...] = (),
) -> Assessment:
    """Put exercises into a session; by default one bend with a red flag."""
    parts = (make_exercise(),) if parts is None else tuple(parts)
    known = [part.index for part in parts if part.index is not None]
    index = float(np.mean(known)) if known else None
    interval = None if index is None else Interval(max(index - half_width, 0.0), min(index + half_width, 1.0))
    if verdict is None:
        flagged = index is not None and index > 0.5
        verdict = IndexVerdict.RED_FLAG if flagged else IndexVerdict.NO_RED_FLAG
        verdict = IndexVerdict.CANNOT_TELL if index is None else verdict
    if reason is None:
        reason = "No recording was usable." if index is None else f"The index is {index:.2f}; a red flag is above 0.50."
    return Assessment(
        exercises=tuple(parts),
        index=index,
        interval=interval,
        verdict=verdict,
        reason=reason,
        model=CARD,
        created_at="2026-11-22T09:41:07+01:00",
        backsight_version="0.1.0",
        pose_model="full",
        pose_engine="openvino",
        height_m=height_m,
        notes=notes,
    )


def every_variant() -> dict[str, Assessment]:
    """Every kind of assessment that a reader of results must cope with, by name."""
    session = [
        make_exercise(Exercise.TOUCH_TOES, index=0.71, quality=QualityVerdict.POOR, notes=("Trimmed to 5.0 s.",)),
        make_exercise(Exercise.WALK, index=0.44),
        make_exercise(Exercise.JUMP, index=0.58, pose=make_pose(Exercise.JUMP, yaw_deg=10.0)),
    ]
    return {
        "red flag": make_assessment(),
        "no red flag": make_assessment([make_exercise(Exercise.WALK, index=0.21)]),
        "cannot tell": make_assessment(
            [make_exercise(index=0.52, quality=QualityVerdict.POOR)],
            verdict=IndexVerdict.CANNOT_TELL,
            reason="The 90 % interval reaches from 0.37 to 0.67, across the threshold of 0.50.",
        ),
        "unusable": make_assessment([make_exercise(index=None)]),
        "session": make_assessment(session, half_width=0.11, height_m=1.72, notes=("Mean of three exercises.",)),
        "one of two unusable": make_assessment([make_exercise(index=None), make_exercise(Exercise.JUMP, index=0.3)]),
        "one frame": make_assessment([make_exercise(index=None, pose=make_pose(n_frames=1, hidden=(), nobody=(0, 0)))]),
        "nobody seen": make_assessment([make_exercise(index=None, pose=make_pose(n_frames=20, nobody=(0, 20)))]),
    }


def write_clip(path: Path, pose: PoseSequence, *, size: tuple[int, int] = (640, 360), fps: int = 30) -> Path:
    """Write a small H.264 clip of the stick figure, a frame of the pose after another from time 0."""
    width, height = size
    scale = width / pose.frame_size[0]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index, positions in enumerate(pose.image_px[:, :, :2] * scale):
            image = np.full((height, width, 3), (196, 203, 204), dtype=np.uint8)
            for start, end in SKELETON:
                _draw_line(image, positions[start], positions[end])
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _draw_line(image: np.ndarray, start: FloatArray, end: FloatArray) -> None:
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        return
    for along in np.linspace(0.0, 1.0, 80):
        x, y = (start + along * (end - start)).astype(int)
        image[max(y - 2, 0) : y + 2, max(x - 2, 0) : x + 2] = (20, 90, 100)
