"""`docs/measures.md` says what the figures say: what is given, missed, refused, and what speaks against a figure."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.measures_page import agreement_section, virtual_section

HERE = Path(__file__).parent
SCRIPTS = HERE.parents[1] / "scripts"


def figure(name, value, *, n=10, unit="deg", bar=None, better="lower", met=None):
    return {"name": name, "value": value, "unit": unit, "n": n, "bar": bar, "better": better, "met": met}


def share(name, value, **other):
    return figure(name, value, unit="share", better="higher", **other)


def barred(name, value, *, perfect, average, limit=5.0):
    is_met = value is not None and value <= limit
    return [
        figure(f"{name}/mean_error", value, n=8, bar=limit, met=is_met) | {"interval": [0.5, 7.5]},
        share(f"{name}/given", 0.8),
        figure(f"{name}/mean_error/to_4_m", value, n=4, bar=limit, met=is_met),
        share(f"{name}/given/to_4_m", 0.8, n=5),
        figure(f"{name}/perfectly_seen", perfect),
        figure(f"{name}/always_the_average", average),
    ]


ROW = {"measure": "bend_duration_s", "unit": "s", "pose_model": "full", "scale": "all", "frame_rate": "all"}
ROW |= {"n": 10, "n_given": 8, "mean_error": 0.12, "bias": 0.01, "coverage": 0.875, "half_width": 0.3}
RESULT = {
    "name": "measures",
    "machine": "a machine",
    "seeds": [8001],
    "notes": ["A note."],
    "figures": [
        *barred("lateral_lean_deg/front", 1.0, perfect=0.5, average=1.1),
        *barred("axial_rotation_range_deg", 6.0, perfect=1.0, average=8.0),
        *barred("bend_duration_s", 7.0, perfect=6.0, average=20.0),
        share("bend_duration_s/held", 0.7, n=8, bar=0.86, met=False) | {"interval": [0.4, 0.89]},
        share("good_accepted/full", 0.9, n=20, bar=0.97, met=False),
        share("good_accepted/full/to_4_m", 1.0, bar=0.97, met=True),
        share("good_unflagged/full", 0.6, n=20),
        share("good_unflagged/full/to_4_m", 0.5),
        share("spoilt_caught/full", 0.9, bar=0.95, met=False),
        share("spoilt_refused/full", 0.5),
        share("spoilt_caught/full/dark", 0.9),
        share("spoilt_refused/full/dark", 0.5),
    ],
    "rows": [
        ROW | {"view": view, "distance": far} for view, far in (("all", "all"), ("side", "all"), ("all", "over 4 m"))
    ]
    + [ROW | {"measure": "pelvic_obliquity_deg", "view": "all", "distance": "all", "n_given": 0, "coverage": None}],
}


@pytest.fixture(scope="module")
def page():
    return virtual_section(RESULT, images=HERE)


def test_a_bar_stands_beside_what_was_given_perfect_landmarks_and_one_number(page):
    line = (
        "| `lateral_lean_deg/front` | <= 5 deg | 1 (0.5 to 7.5) | 8 | 80% of 10 | yes | 1 | 4 | yes | 0.5 (10) | 1.1 |"
    )
    assert line in page
    assert "| `good_accepted/full` | >= 0.97 | 0.9 | 20 | **no** |" in page


def test_bars_that_one_number_meets_and_measures_that_barely_beat_it_are_named(page):
    # One number is off by 1.1, 8 and 20 against bars of 5; the measures by 1, 6 and 7: 91, 75 and 35 % of it.
    assert "one number for everybody meets, too: `lateral_lean_deg/front`. " in page
    assert "adds little to it: `lateral_lean_deg/front` (1 against 1.1 deg)." in page


def test_bars_that_are_not_met_stand_with_figures_and_without_a_verdict(page):
    missed = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("- `")}
    assert set(missed) == {
        "axial_rotation_range_deg/mean_error",
        "axial_rotation_range_deg/mean_error/to_4_m",
        "bend_duration_s/mean_error",
        "bend_duration_s/mean_error/to_4_m",
        "bend_duration_s/held",
        "good_accepted/full",
        "spoilt_caught/full",
    }
    assert missed["axial_rotation_range_deg/mean_error"] == (
        "- `axial_rotation_range_deg/mean_error`: 6 deg (0.5 to 7.5) of 8 against <= 5. Seen perfectly, uncalibrated: "
        "1 deg of 10. One number for everybody: 8 deg."
    )
    assert missed["bend_duration_s/held"].endswith("The 90 % promised are not within what chance leaves.")
    assert missed["spoilt_caught/full"].endswith("Neither flagged nor refused: dark 1 of 10.")


def test_measures_that_nobody_got_are_named(page):
    assert "Never given on the volunteers judged, with BlazePose full: `pelvic_obliquity_deg`." in page


def test_the_published_page_is_the_one_that_the_figures_make():
    # A script imports its neighbour by its bare name.
    code = "import sys, write_docs; sys.stdout.write(write_docs.measures_page())"
    made = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, check=True)
    assert made.stdout.decode("utf-8") == (SCRIPTS.parent / "docs/measures.md").read_text(encoding="utf-8"), (
        "docs/measures.md is out of date: run `make docs`"
    )


def test_the_readme_says_how_many_intervals_hold():
    figures = json.loads((SCRIPTS.parent / "docs/figures/measures.json").read_text(encoding="utf-8"))["figures"]
    (held,) = [item["value"] for item in figures if item["name"] == "held_at_least/full"]
    readme = (SCRIPTS.parent / "README.md").read_text(encoding="utf-8")
    assert f"of the 90 % intervals, {100 * held:.0f} % hold the truth of virtual volunteers" in readme


def test_tables_by_view_and_distance_and_of_what_is_held(page):
    assert "| `bend_duration_s` |  |  |  | 0.12 (8/10) |  |  | 0.12 (8/10) | s |" in page
    assert "| `bend_duration_s` | full | 8 of 10 | 80% | 88% (40% to 89%) | 0.3 | 0.01 | s |" in page


def test_what_became_of_recordings_is_counted(page):
    # Of 20 good ones 60 % unflagged and 90 % accepted; of 10 dark ones 90 % caught and 50 % refused.
    assert "| nothing | full | 20 | 12 | 6 | 2 |" in page
    assert "| on purpose: dark | full | 10 | 1 | 4 | 5 |" in page


def test_what_speaks_against_the_agreement_is_said_with_its_figures():
    clip, still = "RTK/full", "CTK/full"
    figures = [
        figure(f"{clip}/delay", 0.11, unit="s"),
        figure(f"{clip}/chest_r_as_cut", 0.9851, unit="r"),
        figure(f"{clip}/chest_error_as_cut", 4.09),
        figure(f"{clip}/plain_r", 0.9849, unit="r"),
        figure(f"{clip}/plain_error", 4.23),
        figure(f"{still}/chest_range", 5.69),
        figure(f"{still}/chest_error_as_cut", 5.22),
        figure(f"{still}/plain_error", 4.88),
    ]
    text = agreement_section({"name": "agreement", "notes": ["A note."], "figures": figures}, images=HERE)
    assert "development clips" in text
    assert "the delay of 0.11 s is fitted" in text
    assert "r 0.985 and 4.09 deg" in text
    assert "ours is better by 0.14 deg" in text
    assert "ours is worse than the plain difference: 5.22 against 4.88 deg" in text
