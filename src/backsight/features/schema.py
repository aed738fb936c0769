"""The names of the 193 values a frame, and what each of them is. Knows nothing of how they are computed.

The paper embeds 193 coordinate values a frame and does not derive the number. Ours: five values a landmark, as
BlazePose's own tensor holds them, 33 x (x, y, z, visibility, presence) = 165, and 28 named kinematic values.
"""

from types import MappingProxyType

from backsight.domain.landmarks import LANDMARK_NAMES
from backsight.errors import InvalidValueError

N_FEATURES = 193
"""Values a frame that the network reads (paper, section III-A)."""

LANDMARK_FIELDS = ("x", "y", "z", "visibility", "presence")
"""What each landmark contributes. x, y, z: world position relative to the middle of the hips, in body heights, x to the
image's right, y down, z away from the camera."""

LANDMARK_FEATURE_NAMES: tuple[str, ...] = tuple(
    f"{name}_{field}" for name in LANDMARK_NAMES for field in LANDMARK_FIELDS
)

KINEMATIC_DEFINITIONS: MappingProxyType[str, str] = MappingProxyType(
    {
        "trunk_flexion_deg": (
            "Line from mid-hip to mid-shoulder against the vertical, in the person's sagittal plane; forward positive."
        ),
        "trunk_flexion_velocity_deg_per_s": "Change of the trunk flexion a second, over 0.2 s centred on the frame.",
        "trunk_lateral_lean_deg": (
            "Angle by which the trunk leaves the sagittal plane; to the person's right positive."
        ),
        "axial_rotation_deg": (
            "Shoulders turned against the pelvis about the vertical; to the person's right positive."
        ),
        "shoulder_obliquity_deg": "Slope of the shoulder line against the horizontal; right shoulder higher positive.",
        "pelvic_obliquity_deg": (
            "Slope of the line through the hips against the horizontal; right hip higher positive."
        ),
        "left_hip_flexion_deg": (
            "Left thigh against the trunk in the sagittal plane; 0 in line, thigh forward positive."
        ),
        "right_hip_flexion_deg": (
            "Right thigh against the trunk in the sagittal plane; 0 in line, thigh forward positive."
        ),
        "left_knee_flexion_deg": "Left knee; 0 straight.",
        "right_knee_flexion_deg": "Right knee; 0 straight.",
        "left_ankle_dorsiflexion_deg": (
            "Left shank against the line from heel to toes; 0 at right angles, toes up positive."
        ),
        "right_ankle_dorsiflexion_deg": (
            "Right shank against the line from heel to toes; 0 at right angles, toes up positive."
        ),
        "left_elbow_flexion_deg": "Left elbow; 0 straight.",
        "right_elbow_flexion_deg": "Right elbow; 0 straight.",
        "left_shoulder_elevation_deg": (
            "Left upper arm against the trunk, whichever way it is raised; 0 hanging along it."
        ),
        "right_shoulder_elevation_deg": (
            "Right upper arm against the trunk, whichever way it is raised; 0 hanging along it."
        ),
        "left_arm_swing_bh": "Left wrist ahead of the left shoulder along the facing direction, in body heights.",
        "right_arm_swing_bh": "Right wrist ahead of the right shoulder along the facing direction, in body heights.",
        "facing_sin": "Sine of the facing direction: 1 = faces the image's right, -1 = its left.",
        "facing_cos": "Cosine of the facing direction: 1 = faces the camera, -1 = faces away from it.",
        "mid_hip_travel_horizontal_bh": (
            "Mid-hip in the picture against its median over the recording, to the image's right "
            "positive, in body heights."
        ),
        "mid_hip_travel_vertical_bh": (
            "Mid-hip in the picture against its median over the recording, up positive, in body heights."
        ),
        "mid_hip_velocity_horizontal_bh_per_s": (
            "Change of the horizontal travel a second, over 0.2 s centred on the frame."
        ),
        "mid_hip_velocity_vertical_bh_per_s": (
            "Change of the vertical travel a second, over 0.2 s centred on the frame."
        ),
        "fingertip_to_floor_bh": (
            "The lower index fingertip above the lowest foot landmark, in body heights; 0 = touches."
        ),
        "step_separation_bh": "Left ankle ahead of the right one along the facing direction, in body heights.",
        "step_width_bh": "Right ankle to the right of the left one, across the facing direction, in body heights.",
        "apparent_size_log_ratio": (
            "Natural logarithm of the person's size in the picture over its median: grows on approach."
        ),
    }
)
"""Each kinematic column's definition, by name, in column order; the unit is the name's ending, `bh` = body heights."""

KINEMATIC_NAMES: tuple[str, ...] = tuple(KINEMATIC_DEFINITIONS)
FEATURE_NAMES: tuple[str, ...] = LANDMARK_FEATURE_NAMES + KINEMATIC_NAMES
"""All columns in order: the landmarks' 165, then the 28 kinematic ones."""

if len(set(FEATURE_NAMES)) != N_FEATURES:
    raise InvalidValueError(
        f"the feature schema must name {N_FEATURES} distinct columns, got {len(set(FEATURE_NAMES))}"
    )
