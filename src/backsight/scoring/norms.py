"""What is usual in healthy adults, each with the source that says so, and what has no norm. Knows nothing of poses.

Centiles that a source does not print are derived here, with the assumption stated in the norm itself. Most ranges are
no centiles at all: `Norm.kind` says what they are. One that has only been remembered and not read again is provisional,
a placeholder and not a fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from statistics import NormalDist

from backsight.domain.assessment import Norm, NormKind

_HEALTHY_TAIL = 0.10
"""Laird 2019 calls a value atypical beyond the healthy 10th or 90th centile."""
_Z90 = NormalDist().inv_cdf(1.0 - _HEALTHY_TAIL)
_REMEMBERED = "remembered, source not confirmed"


def sd_from_prevalence(*, healthy_mean: float, patient_mean: float, prevalence_ratio: float) -> float:
    """Back out the standard deviation that makes atypical values so many times as frequent among patients.

    Both groups are taken as normal with one common standard deviation, and atypical as beyond the healthy 10th or 90th
    centile on the patients' side: of healthy people 10 % are, of patients `prevalence_ratio` times as many. (Both tails
    together cannot be meant: 20 % times 5.4 exceeds 100 %.)
    """
    z_patients = NormalDist().inv_cdf(1.0 - _HEALTHY_TAIL * prevalence_ratio)
    return abs(patient_mean - healthy_mean) / (_Z90 - z_patients)


_LAIRD = "Laird et al. 2019, 126 people without and 140 with low back pain"
_FLEXION_SD_DEG = sd_from_prevalence(healthy_mean=111.0, patient_mean=93.0, prevalence_ratio=5.4)
_DURATION_SD_S = sd_from_prevalence(healthy_mean=2.28, patient_mean=3.18, prevalence_ratio=4.0)

TRUNK_FLEXION_DEG = Norm(
    middle=111.0,
    low=111.0 - _Z90 * _FLEXION_SD_DEG,
    high=inf,
    source=_LAIRD,
    kind=NormKind.DERIVED_CENTILES,
    assumption="10th centile from the means 111 and 93 degrees and atypical values being 5.4 times as frequent with "
    "pain: both groups normal, one standard deviation (13 degrees). Measured there with sensors on the skin.",
)
BEND_DURATION_S = Norm(
    middle=2.28,
    low=-inf,
    high=2.28 + _Z90 * _DURATION_SD_S,
    source=_LAIRD,
    kind=NormKind.DERIVED_CENTILES,
    assumption="90th centile from the means 2.28 and 3.18 s and atypical values being 4 times as frequent with pain: "
    "both groups normal, one standard deviation (0.9 s). Their rule for start and end is not known to us.",
)
FINGERTIP_TO_FLOOR_CM = Norm(
    middle=0.0,
    low=-inf,
    high=20.0,
    source="Perret et al. (validity); Ekedahl et al. (smallest detectable change 4.5 cm)",
    kind=NormKind.CUT_OFF,
    assumption="20 cm is taken as the limit because people with low back pain often stay above it; 0 is touching the "
    "floor.",
)
GAIT_SPEED_M_PER_S = Norm(
    middle=(1.43 + 0.94) / 2,
    low=0.94,
    high=inf,
    source="Bohannon and Andrews 2011",
    kind=NormKind.RANGE_OF_GROUP_MEANS,
    assumption="Age and sex are not known, so the range of the group means stands in for centiles: 1.43 m/s (men of 40 "
    "to 49) down to 0.94 (women of 80 to 99).",
)
LATERAL_LEAN_RANGE_DEG = Norm(
    middle=5.0,
    low=4.0,
    high=6.0,
    source=f"Lateral lean of the trunk in gait 4 to 6 degrees ({_REMEMBERED})",
    kind=NormKind.REMEMBERED_RANGE,
    assumption="The remembered range stands in for centiles.",
)
_PHASE_MEAN_DEG, _PHASE_SD_DEG = 120.0, 30.0
"""Assumed. Cited is only which way and how far pain shifts the phase, in standard deviations (Smith; Lamoth). Virtual
volunteers are drawn about 140 with 25 degrees, assumed as well, and all walk at a usual speed. The norm lies lower and
is wider because real people who walk slowly, of whatever age and health, turn more in phase, and nobody knows by how
much: it flags only who would be far out among the volunteers, too (82 degrees against their 10th centile of 108)."""
THORAX_PELVIS_PHASE_DEG = Norm(
    middle=_PHASE_MEAN_DEG,
    low=_PHASE_MEAN_DEG - _Z90 * _PHASE_SD_DEG,
    high=inf,
    source=f"Smith et al., 97 studies: more in phase with low back pain, SMD -0.60; Lamoth et al.; level {_REMEMBERED}",
    kind=NormKind.REMEMBERED_RANGE,
    assumption="No source at hand prints how far apart the turns of healthy people are: a mean of 120 degrees and a "
    "standard deviation of 30 are assumed, with room for people who walk slowly, which lowers the phase, too; the "
    "lower end is the 10th centile. The effect of pain is then 18 degrees.",
)
PELVIC_OBLIQUITY_RANGE_DEG = Norm(
    middle=9.0,
    low=8.0,
    high=10.0,
    source=f"Pelvic obliquity in gait 8 to 10 degrees ({_REMEMBERED})",
    kind=NormKind.REMEMBERED_RANGE,
    assumption="The remembered range stands in for centiles.",
)
SHOULDER_OBLIQUITY_DEG = Norm(
    middle=0.0,
    low=-2.5,
    high=2.5,
    source=f"More than 2 to 3 degrees of the shoulders is flagged ({_REMEMBERED}); some asymmetry is normal: "
    "Ferreira et al. 2011, Ohlendorf et al. 2021",
    kind=NormKind.REMEMBERED_RANGE,
    assumption="The middle of 2 to 3 degrees is taken as the end of the usual range.",
)
PELVIC_OBLIQUITY_DEG = Norm(
    middle=0.0,
    low=-2.5,
    high=2.5,
    source=f"More than 2 to 3 degrees of the pelvis is flagged ({_REMEMBERED}); some asymmetry is normal: "
    "Ohlendorf et al. 2021",
    kind=NormKind.REMEMBERED_RANGE,
    assumption="The middle of 2 to 3 degrees is taken as the end of the usual range.",
)
LATERAL_LEAN_DEG = Norm(
    middle=0.0,
    low=-2.5,
    high=2.5,
    source=f"No norm for the trunk's lean found; as for shoulders and pelvis, more than 2 to 3 degrees ({_REMEMBERED})",
    kind=NormKind.REMEMBERED_RANGE,
    assumption="The middle of 2 to 3 degrees is taken as the end of the usual range.",
)
JUMP_HEIGHT_CM = Norm(
    middle=(32.5 + 24.0) / 2,
    low=18.0,
    high=inf,
    source=f"Untrained men 25 to 40 cm, women 18 to 30 cm ({_REMEMBERED})",
    kind=NormKind.REMEMBERED_RANGE,
    assumption="Sex and age are not known: the middle of both ranges and the lower end of the lower one. No effect of "
    "low back pain on jump height has been found (PMC6193468).",
)

_NO_SIDE_TO_SIDE = (
    "Differences between the sides are normal, and the 10 % that is often quoted as their limit is arbitrary "
    "(Herzog 1989, Robinson 1987)."
)
_NO_SOURCE = "No source at hand says what is usual."
WITHOUT_NORM: Mapping[str, str] = {
    "bend_down_s": "Laird et al. 2019 print the duration of the whole bend, and the whole is judged.",
    "bend_up_s": "Laird et al. 2019 print the duration of the whole bend, and the whole is judged.",
    "lateral_deviation_deg": "No source at hand says by how much healthy people, or people with low back pain, leave "
    "the middle while they bend. The 2 to 3 degrees remembered for a standing lean hold for standing: nobody says that "
    "a deeply bent trunk keeps to them. So it feeds no sub-index, asymmetric lean neither.",
    "bend_knee_flexion_deg": _NO_SOURCE,
    "hip_delay_s": "Laird et al. 2019 print the delay of the pelvis (-0.21 s; -0.36 s with pain) by their own rule for "
    "an onset, from sensors on the skin; ours is read from the hips' way backward, and the two do not compare.",
    "bend_smoothness_sparc": _NO_SOURCE,
    "cadence_per_min": "Speed is judged; cadence depends on the length of the legs.",
    "step_time_s": "Speed is judged; step time depends on the length of the legs.",
    "step_length_cm": "Speed is judged; step length depends on the length of the legs.",
    "step_time_asymmetry_percent": _NO_SIDE_TO_SIDE,
    "step_length_asymmetry_percent": _NO_SIDE_TO_SIDE,
    "arm_swing_asymmetry_percent": _NO_SIDE_TO_SIDE,
    "shoulder_obliquity_range_deg": "No source at hand says how far the shoulder line tilts in gait; the 2 to 3 "
    "degrees remembered are of standing.",
    "axial_rotation_range_deg": "Crosbie et al. print about 9 degrees for pelvis against lower thorax. The line "
    "through the shoulders turns against that through the hips by more: two turns of 8.5 and 10 degrees that are 140 "
    "degrees apart make 17. No source at hand has that quantity, and a meta-analysis (Smith et al., 97 studies) finds "
    "no difference in amplitude between people with and without pain: it is judged when they turn, not how far.",
    "jump_hip_rise_cm": "The jump's height is judged; the hips' rise holds the stretching of legs and ankles, too.",
    "countermovement_depth_cm": _NO_SOURCE,
    "take_off_asymmetry_ms": _NO_SOURCE,
    "landing_asymmetry_ms": _NO_SOURCE,
    "landing_trunk_flexion_deg": _NO_SOURCE,
}
"""Measures without a norm, by name, and why: no value of theirs is called good or bad."""
