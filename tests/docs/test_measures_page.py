"""`docs/measures.md` says what the figures say: what is given, missed, refused, and what speaks against a figure."""

from pathlib import Path

import pytest

from scripts.measures_page import agreement_section, virtual_section

HERE = Path(__file__).parent


def figure(name, value, *, n=10, unit="deg", bar=None, better="lower", met=None):
    return {"name": name, "value": value, "unit": unit, "n": n, "bar": bar, "better": better, "met": met}


def share(name, value, **other):
    return figure(name, value, unit="share", better="higher", **other)


def barred(name, value, *, perfect, limit=5.0):
    is_met = value is not None and value <= limit
    return [
        figure(f"{name}/mean_error", value, n=8, bar=limit, met=is_met),
        share(f"{name}/given", 0.8),
        figure(f"{name}/mean_error/to_4_m", value, n=4),
        share(f"{name}/given/to_4_m", 0.8, n=5),
        figure(f"{name}/perfectly_seen", perfect),
    ]


ROW = {"measure": "bend_duration_s", "unit": "s", "pose_model": "full", "scale": "all", "frame_rate": "all"}
ROW |= {"n": 10, "n_given": 8, "mean_error": 0.12, "bias": 0.01, "coverage": 0.875, "half_width": 0.3}
RESULT = {
    "name": "measures",
    "machine": "a machine",
    "seeds": [8001],
    "notes": ["A note."],
    "figures": [
        *barred("lateral_lean_deg/front", 1.0, perfect=0.5),
        *barred("axial_rotation_range_deg", 6.0, perfect=1.0),
        *barred("bend_duration_s", 7.0, perfect=6.0),
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
    ],
}


@pytest.fixture(scope="module")
def page():
    return virtual_section(RESULT, images=HERE)


def test_a_bar_stands_beside_what_was_given_and_what_perfect_landmarks_leave(page):
    assert "| `lateral_lean_deg/front` | <= 5 deg | 1 | 8 | 80% of 10 | yes | 1 (4) | 0.5 (10) |" in page
    assert "| `good_accepted/full` | >= 0.97 | 0.9 | 20 | | **no** | | |" in page


def test_bars_that_are_not_met_have_a_reason_and_a_culprit(page):
    missed = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("- `")}
    assert set(missed) == {
        "axial_rotation_range_deg/mean_error",
        "bend_duration_s/mean_error",
        "good_accepted/full",
        "spoilt_caught/full",
    }
    assert "6 deg against <= 5." in missed["axial_rotation_range_deg/mean_error"]
    assert "off by 1 deg: BlazePose's landmarks are to blame." in missed["axial_rotation_range_deg/mean_error"]
    assert "off by 6 deg: the measure's own geometry or definition is to blame" in missed["bend_duration_s/mean_error"]
    assert missed["good_accepted/full"].endswith("Up to 4 m it is 1 of 10.")


def test_tables_by_view_and_distance_and_of_what_is_held(page):
    assert "| `bend_duration_s` |  |  |  | 0.12 (8/10) |  |  | 0.12 (8/10) | s |" in page
    assert "| `bend_duration_s` | full | 8 of 10 | 80% | 88% | 0.3 | 0.01 | s |" in page


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
    text = agreement_section({"notes": ["A note."], "figures": figures}, images=HERE)
    assert "development clips" in text
    assert "the delay of 0.11 s is fitted" in text
    assert "r 0.985 and 4.09 deg" in text
    assert "ours is better by 0.14 deg" in text
    assert "ours is worse than the plain difference: 5.22 against 4.88 deg" in text
