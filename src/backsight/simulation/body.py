"""A virtual volunteer's body: sex, age, height and the lengths that follow. Knows nothing of movement or cameras.

Lengths are shares of body height from Drillis and Contini 1966, as printed in Winter, Biomechanics and Motor Control
of Human Movement, 4th ed. 2009, Fig. 4.1, unless a comment says otherwise. [A] marks our own assumption.
"""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from backsight.errors import InvalidValueError

Sex = Literal["female", "male"]

HEIGHT_RANGE_M = (1.45, 2.00)
HEIGHT_MEAN_SD_M: dict[Sex, tuple[float, float]] = {"female": (1.65, 0.067), "male": (1.78, 0.072)}
"""[A] About the adult heights of Europe and North America."""
AGE_RANGE = (18.0, 80.0)
PROPORTION_SD = 0.03
"""[A] Relative SD of a segment's length between people of one height; Winter's figure prints means only."""
BUILD_SD = 0.07
"""[A] Relative SD of breadths between people of one height."""

PELVIS_SHARE, LUMBAR_SHARE, LOW_THORAX_SHARE, HIGH_THORAX_SHARE = 0.055, 0.100, 0.065, 0.068
"""[A] How hip line (0.530) to shoulder line (0.818) is divided at L5/S1, T12/L1, T6/T7; the sum 0.288 is Winter's."""
SHOULDER_HALF_SHARE: dict[Sex, float] = {"female": 0.094, "male": 0.102}
"""[A] Mid-line to shoulder joint: inside the acromion, whose half-breadth is 0.129."""
HIP_HALF_SHARE: dict[Sex, float] = {"female": 0.056, "male": 0.052}
"""[A] Mid-line to hip joint: inside the trochanter, whose half-breadth is 0.0955."""


@dataclass(frozen=True)
class Body:
    """Who stands there; every length in metres."""

    sex: Sex
    age_years: float
    height_m: float
    build: float
    """Breadth relative to the average of that height; 1 = average."""
    pelvis_m: float
    """Hip line to L5/S1."""
    lumbar_m: float
    """L5/S1 to T12/L1."""
    low_thorax_m: float
    """T12/L1 to T6/T7."""
    high_thorax_m: float
    """T6/T7 to the shoulder line."""
    neck_m: float
    """Shoulder line to the joint under the skull."""
    shoulder_half_m: float
    hip_half_m: float
    upper_arm_m: float
    forearm_m: float
    hand_m: float
    """Wrist to fingertip."""
    thigh_m: float
    shank_m: float
    ankle_height_m: float
    """Ankle joint above the sole."""
    heel_m: float
    """Ankle joint to the back of the heel, along the foot."""
    toe_m: float
    """Ankle joint to the tip of the foot, along the foot."""
    head_scale_m: float
    """Body height that the head's proportions belong to."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name != "sex" and not value > 0.0:
                raise InvalidValueError(f"`{item.name}` of a body must be above 0, got {value}")

    @property
    def leg_m(self) -> float:
        """Hip joint to ankle joint, stretched."""
        return self.thigh_m + self.shank_m

    @property
    def trunk_lengths_m(self) -> tuple[float, float, float, float]:
        """The four rigid pieces from hip line to shoulder line."""
        return self.pelvis_m, self.lumbar_m, self.low_thorax_m, self.high_thorax_m


def make_body(
    *,
    sex: Sex,
    age_years: float,
    height_m: float,
    build: float = 1.0,
    trunk: float = 1.0,
    arm: float = 1.0,
    leg: float = 1.0,
) -> Body:
    """Make a body from published proportions.

    Parameters
    ----------
    build, trunk, arm, leg
        Breadths and lengths relative to the average; 1 = Winter's figure.
    """
    h = height_m
    return Body(
        sex=sex,
        age_years=age_years,
        height_m=h,
        build=build,
        pelvis_m=PELVIS_SHARE * h * trunk,
        lumbar_m=LUMBAR_SHARE * h * trunk,
        low_thorax_m=LOW_THORAX_SHARE * h * trunk,
        high_thorax_m=HIGH_THORAX_SHARE * h * trunk,
        neck_m=0.080 * h * trunk,  # [A] shoulder line 0.818 to the joint under the skull, about 0.898
        shoulder_half_m=SHOULDER_HALF_SHARE[sex] * h * build,
        hip_half_m=HIP_HALF_SHARE[sex] * h * build,
        upper_arm_m=0.186 * h * arm,
        forearm_m=0.146 * h * arm,
        hand_m=0.108 * h * arm,
        thigh_m=0.245 * h * leg,
        shank_m=0.246 * h * leg,
        ankle_height_m=0.039 * h,
        heel_m=0.040 * h,  # [A] the foot's 0.152 is divided at the ankle
        toe_m=0.112 * h,
        head_scale_m=h,
    )


def sample_body(rng: np.random.Generator) -> Body:
    """Draw an adult at random: half women, ages 18 to 80 evenly, heights as `HEIGHT_MEAN_SD_M`."""
    sex: Sex = "female" if rng.random() < 0.5 else "male"
    age_years = float(rng.uniform(*AGE_RANGE))
    mean_m, sd_m = HEIGHT_MEAN_SD_M[sex]
    height_m = float(np.clip(rng.normal(mean_m, sd_m), *HEIGHT_RANGE_M))
    trunk, arm, leg = (float(value) for value in np.clip(rng.normal(1.0, PROPORTION_SD, 3), 0.91, 1.09))
    build = float(np.clip(rng.normal(1.0, BUILD_SD), 0.8, 1.25))
    return make_body(sex=sex, age_years=age_years, height_m=height_m, build=build, trunk=trunk, arm=arm, leg=leg)
