"""Every quality check, on a skeleton whose every position is known: passing, failing and at its boundary."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from backsight.domain.assessment import QualityCheck, QualityReport, QualityVerdict
from backsight.domain.landmarks import LANDMARK_NAMES, MIRRORED, N_LANDMARKS, Landmark
from backsight.domain.recording import Exercise, SourceInfo
from backsight.domain.sequences import ImageStatistics, PoseSequence, PoseTrack
from backsight.errors import InvalidValueError
from backsight.pose import quality_landmarks, quality_recording
from backsight.pose.filtering import filter_by_visibility
from backsight.pose.quality import judge_quality

Array = NDArray[np.float64]
GOOD, POOR, UNUSABLE = QualityVerdict.GOOD, QualityVerdict.POOR, QualityVerdict.UNUSABLE

TRUNK_M, HEAD_M, LEG_M = 0.49, 0.22, 0.786
"""1.7 m of standing height: trunk 0.288 of it, nose to ankle 0.88 of it, split as a straight line."""
SIZE = (1280, 720)
HEIGHT_PX = 400.0


def record(
    *,
    duration_s: float = 5.0,
    fps: float = 30.0,
    yaw_deg: ArrayLike = 0.0,
    bend_deg: ArrayLike = 0.0,
    swing_deg: ArrayLike = 0.0,
    hips_px: ArrayLike = (640.0, 380.0),
    height_px: ArrayLike = HEIGHT_PX,
    times: ArrayLike | None = None,
) -> PoseTrack:
    """Film a straight-legged person: turned by `yaw_deg`, bent at the hips, legs swinging apart, hips at a place."""
    t = np.arange(round(duration_s * fps) + 1) / fps if times is None else np.asarray(times, dtype=float)
    yaw, bend, swing = (np.radians(np.broadcast_to(angle, t.shape)) for angle in (yaw_deg, bend_deg, swing_deg))
    world = _stand(bend, swing)
    x, z = world[:, :, 0].copy(), world[:, :, 2].copy()
    world[:, :, 0] = x * np.cos(yaw)[:, None] + z * np.sin(yaw)[:, None]
    world[:, :, 2] = z * np.cos(yaw)[:, None] - x * np.sin(yaw)[:, None]
    image = world * (np.broadcast_to(height_px, t.shape) / 1.7)[:, None, None]
    image[:, :, :2] += np.broadcast_to(hips_px, (len(t), 2))[:, None]
    ones = np.ones((len(t), N_LANDMARKS))
    n_people = np.where(np.arange(len(t)) % 15 == 0, 1.0, np.nan)
    return PoseTrack(
        pose=PoseSequence(image, world, ones, ones, t, SIZE),
        n_people=n_people,
        changed_person=np.zeros(len(t), dtype=bool),
        images=pictures(),
    )


def _stand(bend: Array, swing: Array) -> Array:
    """World positions facing the camera, which lies at negative z: left at larger x, y down; (n_frames, 33, 3)."""
    body = np.zeros((len(bend), N_LANDMARKS, 3))
    up, ahead = np.cos(bend), -np.sin(bend)
    for row, name in enumerate(LANDMARK_NAMES):
        side = 1.0 if "left" in name else -1.0 if "right" in name else 0.0
        leg = side * swing
        if any(part in name for part in ("nose", "eye", "ear", "mouth")):
            place = 0.05, -(TRUNK_M + HEAD_M) * up, (TRUNK_M + HEAD_M) * ahead
        elif "shoulder" in name:
            place = 0.18, -TRUNK_M * up, TRUNK_M * ahead
        elif any(part in name for part in ("elbow", "wrist", "pinky", "index", "thumb")) and "foot" not in name:
            place = 0.25, -TRUNK_M * up + 0.3, TRUNK_M * ahead
        else:
            length = {"hip": 0.0, "knee": LEG_M / 2}.get(name.split("_")[-1], LEG_M)
            place = 0.12, length * np.cos(leg), -length * np.sin(leg)
        body[:, row, 0], body[:, row, 1], body[:, row, 2] = side * place[0], place[1], place[2]
    return body


def pictures(**changed: float) -> ImageStatistics:
    """Ten samples of a well lit, sharp and still picture, with some values changed."""
    values = {"brightness": 120.0, "contrast": 60.0, "sharpness": 2500.0, "camera_shift": 0.0} | changed
    return ImageStatistics(np.arange(10) / 2, **{name: np.full(10, value) for name, value in values.items()})


def seconds(duration_s: float = 5.0, fps: float = 30.0) -> Array:
    return np.arange(round(duration_s * fps) + 1) / fps


def walk(**changed: Any) -> PoseTrack:
    """Two metres and more across the picture at 0.4 body heights a second, side-on, one step every half second."""
    t = seconds()
    x = 1000.0 - 160.0 * t
    settings: dict[str, Any] = {
        "yaw_deg": 90.0,
        "swing_deg": 20.0 * np.sin(2 * np.pi * t),
        "hips_px": np.column_stack([x, np.full_like(t, 380.0)]),
    }
    return record(**(settings | changed))


def bend() -> PoseTrack:
    """Upright, 90 degrees down and up again in 4 s, side-on."""
    return record(yaw_deg=90.0, bend_deg=45.0 * (1 - np.cos(2 * np.pi * seconds() / 5)))


def jump(rise: float = 0.2) -> PoseTrack:
    """A jump of some body heights in the middle of 5 s; 0.5 s of flight."""
    t = seconds()
    flight = np.clip(1 - ((t - 2.5) / 0.25) ** 2, 0, None) * rise * HEIGHT_PX
    return record(hips_px=np.column_stack([np.full_like(t, 640.0), 380.0 - flight]))


def judge(
    track: PoseTrack, exercise: Exercise = Exercise.WALK, *, follow_largest: bool = False, fps: float = 30.0
) -> QualityReport:
    source = SourceInfo("clip.mp4", 1280, 720, fps, track.pose.duration_s)
    filtered = filter_by_visibility(track.pose)
    return judge_quality(track, filtered, exercise=exercise, source=source, follow_largest=follow_largest)


def find(report: QualityReport, name: str) -> QualityCheck:
    (found,) = (check for check in report.checks if check.name == name)
    return found


def edit(track: PoseTrack, **fields: Any) -> PoseTrack:
    return replace(track, pose=replace(track.pose, **fields))


def hide(track: PoseTrack, *parts: str) -> PoseTrack:
    """Make the landmarks with these words in their names invisible throughout."""
    visibility = track.pose.visibility.copy()
    visibility[:, [row for row, name in enumerate(LANDMARK_NAMES) if any(part in name for part in parts)]] = 0.1
    return edit(track, visibility=visibility)


def without_person(track: PoseTrack, n_frames: int) -> PoseTrack:
    """Remove the person from the last frames."""
    pose = track.pose
    image_px, world_m, visibility = pose.image_px.copy(), pose.world_m.copy(), pose.visibility.copy()
    image_px[-n_frames:], world_m[-n_frames:], visibility[-n_frames:] = np.nan, np.nan, 0.0
    return edit(track, image_px=image_px, world_m=world_m, visibility=visibility)


class TestReport:
    @pytest.mark.parametrize(
        ("track", "exercise"),
        [(walk(), Exercise.WALK), (bend(), Exercise.TOUCH_TOES), (jump(), Exercise.JUMP)],
        ids=["walk", "bend", "jump"],
    )
    def test_a_clean_recording_passes_every_check_and_lists_them_all(
        self, track: PoseTrack, exercise: Exercise
    ) -> None:
        report = judge(track, exercise)
        assert not report.problems
        assert report.verdict is GOOD
        assert len({check.name for check in report.checks}) == len(report.checks) == 18
        assert all(check.finding and not check.tip for check in report.checks)

    def test_every_problem_carries_a_tip(self) -> None:
        track = replace(without_person(record(fps=10.0), 40), images=pictures(brightness=5.0, sharpness=0.0))
        problems = judge(track).problems
        assert {"person_found", "frame_rate", "light", "sharpness", "movement_recognised"} <= {p.name for p in problems}
        assert all(problem.tip for problem in problems)
        assert problems[0].verdict is UNUSABLE, "worst first"

    def test_nobody_at_all_is_unusable_and_raises_no_warning(self) -> None:
        nobody = without_person(walk(), 151)
        report = judge(nobody)
        assert report.verdict is UNUSABLE
        assert find(report, "person_found").value == 0.0
        assert find(report, "whole_body_in_frame").verdict is GOOD, "not measured, so not accused"
        assert np.isnan(find(report, "body_size").value)

    @pytest.mark.parametrize("n_frames", [1, 2])
    def test_one_or_two_frames_are_unusable(self, n_frames: int) -> None:
        report = judge(record(times=np.arange(n_frames) / 30.0))
        assert find(report, "length").verdict is UNUSABLE

    def test_no_frame_at_all_is_refused(self) -> None:
        track = record()
        empty = edit(
            track,
            **{
                name: getattr(track.pose, name)[:0]
                for name in ("image_px", "world_m", "visibility", "presence", "timestamps_s")
            },
        )
        with pytest.raises(InvalidValueError, match="at least one"):
            judge(empty)

    def test_landmarks_of_another_length_are_refused(self) -> None:
        source = SourceInfo("clip.mp4", 1280, 720, 30.0, 5.0)
        with pytest.raises(InvalidValueError, match="151 frames"):
            judge_quality(walk(), record(duration_s=1.0).pose, exercise=Exercise.WALK, source=source)


class TestPersonFound:
    @pytest.mark.parametrize(
        ("n_missing", "verdict"), [(0, GOOD), (10, GOOD), (11, POOR), (50, POOR), (51, UNUSABLE), (100, UNUSABLE)]
    )
    def test_nine_tenths_are_good_and_half_is_usable(self, n_missing: int, verdict: QualityVerdict) -> None:
        track = record(times=np.arange(100) / 30.0)
        check = find(judge(without_person(track, n_missing) if n_missing else track), "person_found")
        assert check.verdict is verdict
        assert check.value == pytest.approx(1 - n_missing / 100)


class TestOnlyOnePerson:
    def crowd(self, looks: list[float]) -> PoseTrack:
        """One look every half second."""
        track = record(duration_s=len(looks) / 2 - 1 / 30)
        n_people = np.full(track.pose.n_frames, np.nan)
        n_people[::15] = looks
        return replace(track, n_people=n_people)

    @pytest.mark.parametrize(
        ("looks", "verdict", "followed"),
        [
            ([1] * 20, GOOD, GOOD),
            ([1] * 19 + [2], POOR, POOR),
            ([1] * 17 + [2] * 3, POOR, POOR),
            ([1] * 16 + [2] * 4, UNUSABLE, POOR),
            ([3] * 20, UNUSABLE, POOR),
            ([1, 2], POOR, POOR),
        ],
        ids=["alone", "one look", "15 %", "20 %", "always", "one look of two may be a false alarm"],
    )
    def test_a_fifth_of_the_looks_makes_it_unusable_unless_the_largest_is_wanted(
        self, looks: list[float], verdict: QualityVerdict, followed: QualityVerdict
    ) -> None:
        track = self.crowd(looks)
        assert find(judge(track), "only_one_person").verdict is verdict
        assert find(judge(track, follow_largest=True), "only_one_person").verdict is followed

    def test_the_tip_names_what_cuts_the_other_person_away(self) -> None:
        tip = find(judge(self.crowd([2] * 20)), "only_one_person").tip
        assert all(option in tip for option in ("--crop", "--start", "--end", "--follow-largest"))

    def test_looking_in_every_frame_while_lost_does_not_dilute_the_share(self) -> None:
        track = self.crowd([2] * 5 + [1] * 5)
        n_people = track.n_people.copy()
        n_people[75:] = 1.0
        assert find(judge(replace(track, n_people=n_people)), "only_one_person").value == pytest.approx(0.5)

    def test_never_looked_for_passes_and_says_so(self) -> None:
        track = record()
        check = find(judge(replace(track, n_people=np.full(151, np.nan))), "only_one_person")
        assert (check.verdict, np.isnan(check.value)) == (GOOD, True)
        assert "not looked for" in check.finding

    @pytest.mark.parametrize(
        ("looks", "verdict", "followed"), [([1] * 20, POOR, POOR), ([1] * 19 + [2], UNUSABLE, POOR)]
    )
    def test_a_changed_person_counts_and_more_so_when_somebody_else_was_seen(
        self, looks: list[float], verdict: QualityVerdict, followed: QualityVerdict
    ) -> None:
        track = self.crowd(looks)
        changed = np.zeros(track.pose.n_frames, dtype=bool)
        changed[40] = True
        track = replace(track, changed_person=changed)
        assert find(judge(track), "only_one_person").verdict is verdict
        assert find(judge(track, follow_largest=True), "only_one_person").verdict is followed
        assert "once" in find(judge(track), "only_one_person").finding


class TestSamePerson:
    def leap(self, frames: slice, by_px: float = 400.0) -> PoseTrack:
        track = record(times=np.arange(100) / 30.0)
        image_px = track.pose.image_px.copy()
        image_px[frames, :, 0] += by_px
        return edit(track, image_px=image_px)

    @pytest.mark.parametrize(
        ("n_away", "verdict"), [(10, POOR), (11, UNUSABLE), (50, UNUSABLE)], ids=["a tenth", "more", "half"]
    )
    def test_landmarks_that_leap_to_another_body(self, n_away: int, verdict: QualityVerdict) -> None:
        track = self.leap(slice(100 - n_away, 100))
        check = find(judge(track), "same_person")
        assert check.verdict is verdict
        assert check.value == pytest.approx(n_away / 100)
        assert find(judge(track, follow_largest=True), "same_person").verdict is verdict

    def test_half_a_body_height_is_no_leap(self) -> None:
        assert find(judge(self.leap(slice(50, 100), by_px=0.5 * HEIGHT_PX)), "same_person").verdict is GOOD

    def test_a_leap_across_missing_frames_is_found(self) -> None:
        track = self.leap(slice(50, 100), by_px=800.0)
        image_px = track.pose.image_px.copy()
        image_px[48:52] = np.nan
        check = find(judge(edit(track, image_px=image_px)), "same_person")
        assert check.verdict is UNUSABLE
        assert check.value == pytest.approx(48 / 96)

    def test_landmarks_that_all_lie_in_one_place_make_no_good_recording(self) -> None:
        track = walk()
        place = np.array([640.0, 360.0, 0.0])
        still = edit(
            track,
            image_px=np.broadcast_to(place, track.pose.image_px.shape).copy(),
            world_m=np.zeros_like(track.pose.world_m),
        )
        assert judge(still).verdict is UNUSABLE
        assert find(judge(still), "large_enough").value == 0.0
        assert np.isnan(find(judge(still), "body_size").value)


class TestWholeBody:
    def test_a_person_cut_off_at_the_knees_is_unusable_although_blazepose_invents_legs(self) -> None:
        track = walk()
        visibility, presence = track.pose.visibility.copy(), track.pose.presence.copy()
        below_knees = list(range(Landmark.LEFT_ANKLE, N_LANDMARKS))
        visibility[:, below_knees], presence[:, below_knees] = 0.4, 0.19
        check = find(judge(edit(track, visibility=visibility, presence=presence)), "whole_body_in_frame")
        assert check.verdict is UNUSABLE
        assert "ankles 100 %" in check.finding
        assert "feet 100 %" in check.finding
        assert "knees" not in check.finding

    @pytest.mark.parametrize(("n_out", "verdict"), [(0, GOOD), (15, GOOD), (16, POOR), (50, POOR), (51, UNUSABLE)])
    def test_feet_below_the_picture_count_by_frames(self, n_out: int, verdict: QualityVerdict) -> None:
        times = np.arange(100) / 30.0
        hips_y = np.where(np.arange(100) < n_out, 536.0, 535.0)  # ankles are 185 px below the hips
        track = record(times=times, hips_px=np.column_stack([np.full(100, 640.0), hips_y]))
        check = find(judge(track), "whole_body_in_frame")
        assert check.verdict is verdict
        assert check.value == pytest.approx(1 - n_out / 100)

    def test_the_far_side_may_be_hidden(self) -> None:
        track = walk()
        visibility = track.pose.visibility.copy()
        visibility[:, [row for row, name in enumerate(LANDMARK_NAMES) if "right" in name]] = 0.1
        assert find(judge(edit(track, visibility=visibility)), "whole_body_in_frame").verdict is GOOD

    @pytest.mark.parametrize(
        ("exercise", "verdict"), [(Exercise.WALK, GOOD), (Exercise.JUMP, GOOD), (Exercise.TOUCH_TOES, UNUSABLE)]
    )
    def test_hands_count_only_where_they_are_measured(self, exercise: Exercise, verdict: QualityVerdict) -> None:
        track = record()
        image_px = track.pose.image_px.copy()
        image_px[:, [Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST], 1] = -1.0
        assert find(judge(edit(track, image_px=image_px), exercise), "whole_body_in_frame").verdict is verdict


class TestUpright:
    @pytest.mark.parametrize(
        ("turn", "verdict"), [(0, GOOD), (44, GOOD), (46, UNUSABLE), (90, UNUSABLE), (180, UNUSABLE)]
    )
    def test_a_picture_on_its_side_is_unusable(self, turn: float, verdict: QualityVerdict) -> None:
        track = record()
        a = np.radians(turn)
        image_px = track.pose.image_px.copy()
        image_px[:, :, :2] = (image_px[:, :, :2] - [640, 380]) @ np.array(
            [[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]
        )
        image_px[:, :, :2] += [640, 380]
        check = find(judge(edit(track, image_px=image_px)), "upright")
        assert check.verdict is verdict
        assert check.value == pytest.approx(turn, abs=1e-6)

    def test_bending_to_the_toes_is_upright(self) -> None:
        assert find(judge(bend(), Exercise.TOUCH_TOES), "upright").verdict is GOOD


class TestLargeEnough:
    @pytest.mark.parametrize(
        ("height_px", "verdict"), [(231, GOOD), (230, POOR), (150, POOR), (75.5, POOR), (74.5, UNUSABLE)]
    )
    def test_by_pixels_and_share_of_the_longer_side(self, height_px: float, verdict: QualityVerdict) -> None:
        check = find(judge(record(height_px=height_px)), "large_enough")
        assert check.verdict is verdict, "18 % of 1280 is 230.4"
        assert check.value == pytest.approx(height_px, rel=1e-3)

    @pytest.mark.parametrize(("height_px", "verdict"), [(150.5, GOOD), (149.5, POOR)])
    def test_by_pixels_alone_in_a_small_picture(self, height_px: float, verdict: QualityVerdict) -> None:
        track = edit(record(height_px=height_px, hips_px=(320.0, 240.0)), frame_size=(640, 480))
        assert find(judge(track), "large_enough").verdict is verdict

    def test_bending_does_not_shrink_the_body(self) -> None:
        check = find(judge(record(yaw_deg=90.0, bend_deg=90.0), Exercise.TOUCH_TOES), "large_enough")
        assert check.value == pytest.approx(HEIGHT_PX, rel=1e-3)

    def test_the_trunk_stands_in_for_hidden_legs(self) -> None:
        track = record()
        visibility = track.pose.visibility.copy()
        visibility[:, Landmark.LEFT_KNEE :] = 0.1
        check = find(judge(edit(track, visibility=visibility)), "large_enough")
        assert check.value == pytest.approx(HEIGHT_PX, rel=1e-2)


class TestLandmarksFinite:
    @pytest.mark.parametrize("broken", [np.nan, np.inf])
    @pytest.mark.parametrize(("n_broken", "verdict"), [(1, POOR), (5, POOR), (6, UNUSABLE), (100, UNUSABLE)])
    def test_visible_landmarks_without_a_position(self, broken: float, n_broken: int, verdict: QualityVerdict) -> None:
        track = record(times=np.arange(100) / 30.0)
        world_m = track.pose.world_m.copy()
        world_m[:n_broken, :, 1] = broken
        check = find(judge(edit(track, world_m=world_m)), "landmarks_finite")
        assert check.verdict is verdict
        assert check.value == pytest.approx(n_broken / 100)

    def test_nan_only_landmarks_are_unusable(self) -> None:
        track = walk()
        nothing = np.full_like(track.pose.image_px, np.nan)
        report = judge(edit(track, image_px=nothing, world_m=nothing))
        assert {"person_found", "landmarks_finite"} <= {problem.name for problem in report.problems}
        assert report.verdict is UNUSABLE

    def test_hidden_landmarks_may_be_missing(self) -> None:
        assert find(judge(without_person(walk(), 30)), "landmarks_finite").value == 0.0


class TestConfidence:
    def dim(self, rows: slice, value: float) -> PoseTrack:
        track = record()
        visibility = track.pose.visibility.copy()
        visibility[:, list(quality_landmarks.TRUNK_AND_LEGS)[rows]] = value
        return edit(track, visibility=visibility)

    @pytest.mark.parametrize(
        ("rows", "value", "verdict"),
        [
            (slice(None), 0.76, GOOD),
            (slice(None), 0.74, POOR),
            (slice(0, 2), 0.59, GOOD),
            (slice(0, 3), 0.59, POOR),
            (slice(0, 4), 0.59, POOR),
            (slice(0, 5), 0.59, UNUSABLE),
            (slice(None), 0.45, UNUSABLE),
        ],
        ids=["mean high", "mean low", "2 of 8 lost", "3 of 8 lost", "half lost", "5 of 8 lost", "all lost"],
    )
    def test_mean_visibility_and_share_lost_to_the_filter(
        self, rows: slice, value: float, verdict: QualityVerdict
    ) -> None:
        assert find(judge(self.dim(rows, value)), "landmark_confidence").verdict is verdict

    def test_hidden_hands_and_face_do_not_count(self) -> None:
        track = record()
        visibility = np.zeros_like(track.pose.visibility)
        visibility[:, quality_landmarks.TRUNK_AND_LEGS] = 1.0
        check = find(judge(edit(track, visibility=visibility)), "landmark_confidence")
        assert (check.verdict, check.value) == (GOOD, 1.0)


class TestBodySize:
    @pytest.mark.parametrize(("shrink", "verdict"), [(0.85, GOOD), (0.75, POOR), (0.5, UNUSABLE)])
    def test_a_body_that_shrinks_in_a_third_of_the_frames_is_invented(
        self, shrink: float, verdict: QualityVerdict
    ) -> None:
        track = walk()
        world_m = track.pose.world_m.copy()
        world_m[:50] *= shrink
        check = find(judge(edit(track, world_m=world_m)), "body_size")
        assert check.verdict is verdict
        assert check.value == pytest.approx(1 - shrink, abs=1e-6)


class TestLeftRightSwaps:
    def swapped(self, track: PoseTrack, frames: list[int], rows: list[int] | None = None) -> PoseTrack:
        """Exchange left and right in some frames, of all landmarks or of some pairs."""
        image_px, world_m = track.pose.image_px.copy(), track.pose.world_m.copy()
        order = np.array(MIRRORED) if rows is None else np.arange(N_LANDMARKS)
        for row in rows or []:
            order[row], order[MIRRORED[row]] = MIRRORED[row], row
        image_px[frames], world_m[frames] = image_px[frames][:, order], world_m[frames][:, order]
        return edit(track, image_px=image_px, world_m=world_m)

    @pytest.mark.parametrize(("yaw_deg", "where"), [(0.0, "from the front"), (90.0, "side-on")])
    def test_each_exchange_there_and_back_is_counted(self, yaw_deg: float, where: str) -> None:
        track = self.swapped(record(yaw_deg=yaw_deg), [20, 21, 22, 60, 100])
        check = find(judge(track), "left_right_swaps")
        assert check.value == pytest.approx(6 / 150), where
        assert check.verdict is POOR

    @pytest.mark.parametrize(("n_wrong", "verdict"), [(1, GOOD), (2, GOOD), (3, POOR), (11, POOR), (12, UNUSABLE)])
    def test_three_in_a_hundred_are_allowed_and_fifteen_are_too_many(
        self, n_wrong: int, verdict: QualityVerdict
    ) -> None:
        track = self.swapped(record(), [4 * k + 2 for k in range(n_wrong)])
        check = find(judge(track), "left_right_swaps")
        assert check.value == pytest.approx(2 * n_wrong / 150)
        assert check.verdict is verdict

    def test_one_wrong_frame_fails_no_short_clip(self) -> None:
        track = self.swapped(record(times=np.arange(31) / 30.0), [10])
        assert find(judge(track), "left_right_swaps").verdict is GOOD

    def test_legs_alone_are_found_and_a_single_pair_is_not(self) -> None:
        still = record()
        legs = self.swapped(still, [10, 20, 30], [Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE])
        ankles = self.swapped(still, [10, 20, 30], [Landmark.LEFT_ANKLE])
        assert find(judge(legs), "left_right_swaps").value == pytest.approx(6 / 150)
        assert find(judge(ankles), "left_right_swaps").value == 0.0

    @pytest.mark.parametrize("fps", [12.0, 15.0, 30.0, 60.0, 120.0])
    def test_a_turn_on_the_spot_in_one_second_is_none(self, fps: float) -> None:
        t = seconds(5.0, fps)
        track = record(fps=fps, yaw_deg=np.clip(t - 2.0, 0, 1) * 360.0)
        assert find(judge(track, fps=fps), "left_right_swaps").value == 0.0

    @pytest.mark.parametrize("fps", [12.0, 15.0, 30.0, 60.0])
    def test_legs_that_cross_in_a_fast_walk_are_none(self, fps: float) -> None:
        t = seconds(5.0, fps)
        track = record(fps=fps, yaw_deg=90.0, swing_deg=30.0 * np.sin(2 * np.pi * 1.1 * t))
        assert find(judge(track, fps=fps), "left_right_swaps").value == 0.0

    def test_both_sides_never_seen_is_not_measured(self) -> None:
        track = record()
        visibility = track.pose.visibility.copy()
        visibility[:, [row for row, name in enumerate(LANDMARK_NAMES) if "right" in name]] = 0.1
        check = find(judge(edit(track, visibility=visibility)), "left_right_swaps")
        assert (check.verdict, np.isnan(check.value)) == (GOOD, True)


class TestMoving:
    @pytest.mark.parametrize(
        ("sway_px", "verdict"), [(0.0, UNUSABLE), (9.0, UNUSABLE), (11.0, GOOD)], ids=["frozen", "2.25 %", "2.75 %"]
    )
    def test_less_than_a_hundredth_and_a_half_of_the_body_is_frozen(
        self, sway_px: float, verdict: QualityVerdict
    ) -> None:
        x = 640.0 + sway_px * (np.arange(151) % 2)
        track = record(hips_px=np.column_stack([x, np.full(151, 380.0)]))
        check = find(judge(track), "moving")
        assert check.verdict is verdict
        assert check.value == pytest.approx(sway_px / HEIGHT_PX, rel=1e-3)

    def test_a_short_jump_in_a_minute_of_standing_moves(self) -> None:
        t = seconds(60.0)
        flight = np.clip(1 - ((t - 30.0) / 0.25) ** 2, 0, None) * 80.0
        track = record(duration_s=60.0, hips_px=np.column_stack([np.full_like(t, 640.0), 380.0 - flight]))
        assert find(judge(track, Exercise.JUMP), "moving").verdict is GOOD


class TestPictures:
    @pytest.mark.parametrize(
        ("name", "changed", "verdict"),
        [
            ("light", {"brightness": quality_recording.BRIGHTNESS_GOOD[0]}, GOOD),
            ("light", {"brightness": quality_recording.BRIGHTNESS_GOOD[0] - 0.1}, POOR),
            ("light", {"brightness": quality_recording.BRIGHTNESS_USABLE_FROM - 0.1}, UNUSABLE),
            ("light", {"brightness": quality_recording.BRIGHTNESS_GOOD[1]}, GOOD),
            ("light", {"brightness": quality_recording.BRIGHTNESS_GOOD[1] + 0.1}, POOR),
            ("light", {"contrast": quality_recording.CONTRAST_GOOD_FROM}, GOOD),
            ("light", {"contrast": quality_recording.CONTRAST_GOOD_FROM - 0.1}, POOR),
            ("sharpness", {"sharpness": 0.06 * 60.0**2}, GOOD),
            ("sharpness", {"sharpness": 0.059 * 60.0**2}, POOR),
            ("sharpness", {"sharpness": 0.07 * 15.0**2, "contrast": 15.0}, GOOD),
            ("camera_still", {"camera_shift": quality_recording.SHIFT_GOOD}, GOOD),
            ("camera_still", {"camera_shift": -quality_recording.SHIFT_GOOD - 0.001}, POOR),
            ("camera_still", {"camera_shift": 0.3}, POOR),
            ("camera_still", {"camera_shift": np.nan}, GOOD),
        ],
    )
    def test_each_limit(self, name: str, changed: dict[str, float], verdict: QualityVerdict) -> None:
        report = judge(replace(walk(), images=pictures(**changed)))
        assert find(report, name).verdict is verdict
        assert {problem.name for problem in report.problems} == (set() if verdict is GOOD else {name})

    @pytest.mark.parametrize(
        ("changed", "fault"),
        [({"brightness": 20.0}, "too dark"), ({"brightness": 250.0}, "too bright"), ({"contrast": 3.0}, "too flat")],
    )
    def test_the_light_says_what_is_wrong(self, changed: dict[str, float], fault: str) -> None:
        assert fault in find(judge(replace(walk(), images=pictures(**changed))), "light").finding

    @pytest.mark.parametrize(("n_lost", "is_measured"), [(5, True), (6, False)])
    def test_a_shift_seen_in_few_samples_is_not_taken_for_a_still_camera(
        self, n_lost: int, *, is_measured: bool
    ) -> None:
        shift = np.zeros(10)
        shift[10 - n_lost :] = np.nan
        images = replace(pictures(), camera_shift=shift)
        assert np.isfinite(find(judge(replace(walk(), images=images)), "camera_still").value) == is_measured

    def test_a_camera_that_shakes_so_hard_that_few_pictures_compare_is_not_still(self) -> None:
        shift = np.full(10, np.nan)
        shift[[0, 4, 7]] = 0.0, 0.05, 0.03
        check = find(judge(replace(walk(), images=replace(pictures(), camera_shift=shift))), "camera_still")
        assert check.verdict is POOR
        # 95th centile of 0, 0.03 and 0.05: nine tenths of the way from the second to the third.
        assert check.value == pytest.approx(0.048)

    def test_blank_pictures_have_no_sharpness(self) -> None:
        check = find(judge(replace(walk(), images=pictures(contrast=0.0, sharpness=0.0))), "sharpness")
        assert (check.verdict, np.isnan(check.value)) == (GOOD, True)

    @pytest.mark.parametrize("name", ["light", "sharpness", "camera_still"])
    def test_no_pictures_passes_and_says_so(self, name: str) -> None:
        check = find(judge(replace(walk(), images=ImageStatistics())), name)
        assert (check.verdict, np.isnan(check.value)) == (GOOD, True)
        assert "could not be measured" in check.finding


class TestClock:
    @pytest.mark.parametrize(
        ("fps", "verdict"), [(60, GOOD), (29.97, GOOD), (23.976, GOOD), (20, POOR), (12.1, POOR), (11.9, UNUSABLE)]
    )
    def test_frame_rate(self, fps: float, verdict: QualityVerdict) -> None:
        check = find(judge(record(times=np.arange(100) / fps), fps=fps), "frame_rate")
        assert check.verdict is verdict
        assert check.value == pytest.approx(fps)

    def test_a_wrong_claim_of_the_file_is_mentioned(self) -> None:
        assert "claims 30.0" in find(judge(record(fps=15.0), fps=30.0), "frame_rate").finding
        assert "claims" not in find(judge(record(fps=29.97), fps=30.0), "frame_rate").finding

    @pytest.mark.parametrize(("n_missing", "verdict"), [(0, GOOD), (5, GOOD), (6, POOR), (40, POOR), (41, UNUSABLE)])
    def test_single_missing_frames_count_by_their_share(self, n_missing: int, verdict: QualityVerdict) -> None:
        gone = (9 * np.arange(11)[:, np.newaxis] + np.arange(1, 5)).ravel()[:n_missing]  # up to four in a row
        track = record(times=np.delete(np.arange(100), gone) / 30.0)
        check = find(judge(track), "no_frames_missing")
        assert check.value == pytest.approx(n_missing / 100)
        assert check.verdict is verdict

    @pytest.mark.parametrize(("n_gone", "verdict"), [(6, GOOD), (7, POOR)], ids=["7/30 s", "8/30 s"])
    def test_one_gap_too_long_to_be_bridged_is_poor(self, n_gone: int, verdict: QualityVerdict) -> None:
        times = np.delete(np.arange(600), np.arange(300, 300 + n_gone)) / 30.0
        assert find(judge(record(times=times)), "no_frames_missing").verdict is verdict

    def test_a_variable_rate_misses_nothing(self) -> None:
        times = np.cumsum(np.tile([1 / 30, 1 / 24], 60))
        assert find(judge(record(times=times)), "no_frames_missing").value == 0.0

    def test_frames_dropped_by_a_live_source_count(self) -> None:
        check = find(judge(replace(record(), n_dropped=151)), "no_frames_missing")
        assert check.value == pytest.approx(0.5)
        assert check.verdict is UNUSABLE


class TestLength:
    @pytest.mark.parametrize(
        ("exercise", "duration_s", "verdict"),
        [
            (Exercise.TOUCH_TOES, 2.0, GOOD),
            (Exercise.TOUCH_TOES, 1.9, POOR),
            (Exercise.TOUCH_TOES, 0.9, UNUSABLE),
            (Exercise.WALK, 1.4, GOOD),
            (Exercise.WALK, 1.3, POOR),
            (Exercise.WALK, 0.6, UNUSABLE),
            (Exercise.JUMP, 1.0, GOOD),
            (Exercise.JUMP, 0.9, POOR),
            (Exercise.JUMP, 0.4, UNUSABLE),
            (Exercise.WALK, 60.0, GOOD),
            (Exercise.WALK, 60.5, GOOD),
            (Exercise.WALK, 60.6, POOR),
        ],
    )
    def test_each_exercise_has_its_length(self, exercise: Exercise, duration_s: float, verdict: QualityVerdict) -> None:
        track = record(times=np.linspace(0.0, duration_s, round(duration_s * 20) + 1))
        check = find(judge(track, exercise), "length")
        assert check.verdict is verdict
        assert check.value == pytest.approx(duration_s)


class TestMovement:
    @pytest.mark.parametrize(("top_deg", "verdict"), [(29.0, UNUSABLE), (31.0, GOOD)])
    @pytest.mark.parametrize("yaw_deg", [0.0, 45.0, 90.0])
    def test_touching_the_toes_takes_a_bend(self, top_deg: float, yaw_deg: float, verdict: QualityVerdict) -> None:
        held = np.where(np.abs(seconds() - 2.5) < 0.5, top_deg, 0.0)
        check = find(judge(record(yaw_deg=yaw_deg, bend_deg=held), Exercise.TOUCH_TOES), "movement_recognised")
        assert check.value == pytest.approx(top_deg)
        assert check.verdict is verdict
        assert ("does not look like `Touch your toes`" in check.finding) == (verdict is UNUSABLE)

    def test_one_wild_frame_is_no_bend(self) -> None:
        angles = np.zeros(151)
        angles[70] = 80.0
        track = record(yaw_deg=90.0, bend_deg=angles)
        assert find(judge(track, Exercise.TOUCH_TOES), "movement_recognised").value == pytest.approx(0.0, abs=1e-9)

    def test_walking_across_the_picture_is_travel(self) -> None:
        check = find(judge(walk(swing_deg=0.0)), "movement_recognised")
        assert check.verdict is GOOD
        # 800 px between the 2.5th and 97.5th centile; trunk and legs of 1.276 m are 0.779 of the height.
        assert check.value == pytest.approx(0.95 * 800 / HEIGHT_PX * 1.7 / (1.276 / 0.779), rel=1e-3)

    @pytest.mark.parametrize(
        ("grows_by", "verdict"), [(1.0, UNUSABLE), (1.3, UNUSABLE), (1.4, GOOD)], ids=["on the spot", "1 m", "nearer"]
    )
    @pytest.mark.parametrize("yaw_deg", [0.0, 30.0, 180.0])
    def test_walking_towards_the_camera_or_away_changes_the_size(
        self, yaw_deg: float, grows_by: float, verdict: QualityVerdict
    ) -> None:
        # Of the whole change 95 % count: ln 1.3 * 0.95 = 0.25, ln 1.4 * 0.95 = 0.32, about the limit of 0.3.
        track = record(
            yaw_deg=yaw_deg,
            swing_deg=20.0 * np.sin(2 * np.pi * seconds()),
            height_px=300.0 * grows_by ** (seconds() / 5.0),
        )
        assert find(judge(track), "movement_recognised").verdict is verdict

    def test_who_comes_nearer_neither_bends_nor_jumps(self) -> None:
        track = record(bend_deg=np.where(seconds() > 2.5, 70.0, 0.0), height_px=200.0 * 2 ** (seconds() / 5.0))
        for exercise in (Exercise.TOUCH_TOES, Exercise.JUMP):
            check = find(judge(track, exercise), "movement_recognised")
            assert check.verdict is UNUSABLE
            assert "as in walking" in check.finding

    def test_a_walk_bent_forward_for_long_is_doubted(self) -> None:
        check = find(judge(walk(bend_deg=np.where(seconds() > 3.0, 60.0, 0.0))), "movement_recognised")
        assert check.verdict is POOR
        assert "the trunk is bent for 2.0 s" in check.finding

    def test_falling_from_a_height_is_no_walk(self) -> None:
        t = seconds()
        down = np.column_stack([1000.0 - 160.0 * t, np.where(t > 2.5, 500.0, 200.0)])  # 300 of 400 px
        assert find(judge(walk(hips_px=down)), "movement_recognised").verdict is UNUSABLE

    @pytest.mark.parametrize("track", [record(), jump(), bend()], ids=["standing", "jump", "bend"])
    def test_other_movements_are_no_walk(self, track: PoseTrack) -> None:
        assert find(judge(track), "movement_recognised").verdict is UNUSABLE

    @pytest.mark.parametrize(("rise", "verdict"), [(0.02, UNUSABLE), (0.045, GOOD), (0.2, GOOD)])
    def test_a_jump_takes_hips_and_feet_off_the_ground(self, rise: float, verdict: QualityVerdict) -> None:
        assert find(judge(jump(rise), Exercise.JUMP), "movement_recognised").verdict is verdict

    @pytest.mark.parametrize("exercise", [Exercise.TOUCH_TOES, Exercise.JUMP])
    def test_somebody_who_crosses_the_picture_neither_bends_nor_jumps(self, exercise: Exercise) -> None:
        check = find(judge(walk(), exercise), "movement_recognised")
        assert check.verdict is UNUSABLE
        assert "the hips travel" in check.finding

    @pytest.mark.parametrize(
        ("track", "exercise"), [(bend(), Exercise.JUMP), (jump(), Exercise.TOUCH_TOES)], ids=["bend", "jump"]
    )
    def test_a_bend_is_no_jump_and_a_jump_no_bend(self, track: PoseTrack, exercise: Exercise) -> None:
        assert find(judge(track, exercise), "movement_recognised").verdict is UNUSABLE

    def test_a_jump_out_of_a_crouched_trunk_is_no_bend(self) -> None:
        crouched = np.where(np.abs(seconds() - 2.0) < 0.3, 50.0, 0.0)
        hips_px = np.column_stack([np.full(151, 640.0), 380.0 - 60.0 * (np.abs(seconds() - 2.7) < 0.2)])
        track = record(yaw_deg=90.0, bend_deg=crouched, hips_px=hips_px)
        check = find(judge(track, Exercise.TOUCH_TOES), "movement_recognised")
        assert check.verdict is UNUSABLE
        assert "as in a jump" in check.finding
        assert find(judge(track, Exercise.JUMP), "movement_recognised").verdict is GOOD

    @pytest.mark.parametrize(("n_hops", "verdict"), [(3, GOOD), (4, POOR)])
    def test_hopping_on_is_doubted(self, n_hops: int, verdict: QualityVerdict) -> None:
        up = np.clip(np.sin(2 * np.pi * seconds() / 1.2), 0.0, None) * (seconds() < 1.2 * n_hops)
        track = record(hips_px=np.column_stack([np.full(151, 640.0), 380.0 - 60.0 * up]))
        check = find(judge(track, Exercise.JUMP), "movement_recognised")
        assert check.verdict is verdict
        assert ("4 times" in check.finding) == (verdict is POOR)

    def test_jumping_jacks_are_no_jump_for_the_feet_part(self) -> None:
        track = self.feet_part(jump(), slice(75, None))  # in the air and after
        check = find(judge(track, Exercise.JUMP), "movement_recognised")
        assert check.verdict is UNUSABLE
        assert "jumping jacks" in check.finding
        assert find(judge(track), "movement_recognised").verdict is UNUSABLE

    def feet_part(self, track: PoseTrack, *frames: slice) -> PoseTrack:
        """Half a body height between the ankles more than usual."""
        image_px = track.pose.image_px.copy()
        for span in frames:
            image_px[span, Landmark.LEFT_ANKLE, 0] += 100.0
            image_px[span, Landmark.RIGHT_ANKLE, 0] -= 100.0
        return edit(track, image_px=image_px)

    def test_a_step_into_place_and_one_after_the_jump_do_not_spoil_it(self) -> None:
        # The flight lasts from 2.25 to 2.75 s: the steps are over by 0.8 s and begin at 4.2 s.
        track = self.feet_part(jump(), slice(12, 24), slice(126, 138))
        assert find(judge(track, Exercise.JUMP), "movement_recognised").verdict is GOOD

    @pytest.mark.parametrize("first_frame", [51, 84], ids=["0.6 s before", "0.1 s after"])
    def test_feet_that_part_beside_the_hop_make_it_no_jump(self, first_frame: int) -> None:
        track = self.feet_part(jump(), slice(first_frame, first_frame + 12))
        check = find(judge(track, Exercise.JUMP), "movement_recognised")
        assert check.verdict is UNUSABLE
        assert "the feet part" in check.finding

    @pytest.mark.parametrize(
        ("track", "against"),
        [(walk(), "the hips travel"), (bend(), "the trunk is bent deeply")],
        ids=["walk", "bend"],
    )
    def test_hidden_feet_do_not_make_another_movement_a_jump(self, track: PoseTrack, against: str) -> None:
        check = find(judge(hide(track, "ankle", "heel", "foot"), Exercise.JUMP), "movement_recognised")
        assert (check.verdict, np.isnan(check.value)) == (UNUSABLE, True)
        assert f"does not look like `{Exercise.JUMP.label}`: {against}" in check.finding
        assert "nan" not in check.finding

    def test_a_hidden_trunk_does_not_make_a_walk_a_bend(self) -> None:
        track = walk()
        world_m = track.pose.world_m.copy()
        world_m[:, [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]] = np.nan
        check = find(judge(edit(track, world_m=world_m), Exercise.TOUCH_TOES), "movement_recognised")
        assert (check.verdict, np.isnan(check.value)) == (UNUSABLE, True)
        assert "the hips travel" in check.finding

    def test_a_jump_with_hidden_feet_is_not_measured(self) -> None:
        check = find(judge(hide(jump(), "ankle", "heel", "foot"), Exercise.JUMP), "movement_recognised")
        assert (check.verdict, np.isnan(check.value)) == (GOOD, True)

    def test_rising_from_a_squat_is_no_jump(self) -> None:
        track = jump()
        image_px = track.pose.image_px.copy()
        feet = [row for row, name in enumerate(LANDMARK_NAMES) if any(p in name for p in ("ankle", "heel", "foot"))]
        image_px[:, feet] = image_px[0, feet]
        assert find(judge(edit(track, image_px=image_px), Exercise.JUMP), "movement_recognised").verdict is UNUSABLE

    @pytest.mark.parametrize("exercise", list(Exercise))
    def test_a_body_never_seen_is_not_measured(self, exercise: Exercise) -> None:
        check = find(judge(without_person(walk(), 151), exercise), "movement_recognised")
        assert (check.verdict, np.isnan(check.value)) == (GOOD, True)
        assert "could not be measured" in check.finding
