"""A study's manifest: what is read, what is refused by row and column, and that writing and reading agree."""

import math
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backsight.datasets.open import open_study
from backsight.datasets.study import FoundPose, landmarks_beside, read_study, write_study
from backsight.datasets.study_rows import COLUMNS, ScaleHint
from backsight.domain.recording import Exercise
from backsight.domain.study import NOT_KNOWN, RATING_SCALE, FoundBy, ScoreScale, Study, StudyClip
from backsight.errors import InputError, OutputError
from backsight.exports.landmarks import pack_clip_landmarks, write_landmarks
from tests.assessments import make_assessment, make_exercise
from tests.unit.datasets.packs import make_clip_pose, write_clip_landmarks


def write_manifest(folder: Path, text: str, *, encoding: str = "utf-8", name: str = "back-study.csv") -> Path:
    for number in range(1, 5):
        write_clip_landmarks(folder / f"l/{number}.parquet")
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


RATED = "subject,exercise,landmarks,rating,group\nP01,walk,l/1.parquet,80,patient\nP02,walk,l/2.parquet,,\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_rated_study_is_read(tmp_path, delimiter, encoding):
    study = read_study(write_manifest(tmp_path, RATED.replace(",", delimiter), encoding=encoding))
    rated, unrated = study.clips
    assert (study.name, study.scale, study.may_ship) == ("back-study", RATING_SCALE, False)
    assert (rated.subject, rated.exercise, rated.score, rated.group) == ("P01", "walk", 80.0, "patient")
    assert math.isnan(unrated.score)
    np.testing.assert_allclose(rated.pose.world_m, make_clip_pose().world_m)
    assert rated.pose.frame_size == (640, 360)


def test_a_parquet_manifest_says_the_same(tmp_path):
    write_manifest(tmp_path, RATED)
    table = pa.table(
        {
            "subject": [1, 2],
            "exercise": ["walk", "walk"],
            "landmarks": ["l/1.parquet", "l/2.parquet"],
            # What pandas makes of whole numbers with one missing.
            "session": [3.0, None],
            "rating": [80.0, float("nan")],
            "exclude": [False, None],
        }
    )
    pq.write_table(table, tmp_path / "study.parquet")
    first, second = read_study(tmp_path / "study.parquet").clips
    assert (first.subject, first.session, first.score) == ("1", "3", 80.0)
    assert (second.session, second.is_scored) == ("", False)


def test_scores_have_the_scale_that_the_table_or_the_caller_gives(tmp_path):
    text = "subject,exercise,landmarks,score,score_best,score_worst,score_unit\nA,x,l/1.parquet,10,0,40,points of ODI\n"
    scale = read_study(write_manifest(tmp_path, text)).scale
    assert (scale.best, scale.worst, scale.unit) == (0.0, 40.0, "points of ODI")
    assert scale.to_index(10.0) == 0.25
    bare = write_manifest(tmp_path, "subject,exercise,landmarks,score\nA,x,l/1.parquet,1\n")
    binary = read_study(bare, scale=ScaleHint(best=1.0, worst=0.0, unit="correct", is_binary=True)).scale
    assert binary == ScoreScale(best=1.0, worst=0.0, unit="correct", is_binary=True)
    with pytest.raises(InputError, match=r"back-study\.csv: expected columns score_best and score_worst.*got neither"):
        read_study(bare)


def test_an_excluded_row_needs_nothing_but_its_reason(tmp_path):
    text = RATED.replace("group", "exclude").replace("patient", "no") + "P03,,gone.parquet,900,fell ill\n"
    assert [clip.subject for clip in read_study(write_manifest(tmp_path, text)).clips] == ["P01", "P02"]


def test_a_session_s_file_gives_each_row_its_exercise(tmp_path):
    parts = [make_exercise(Exercise.TOUCH_TOES), make_exercise(Exercise.WALK)]
    write_landmarks(tmp_path / "s.parquet", make_assessment(parts))
    text = "subject,exercise,landmarks,rating\nA,walk,s.parquet,70\nA,touch-toes,s.parquet,80\nA,jump,l/1.parquet,60\n"
    walk, bend, _ = read_study(write_manifest(tmp_path, text)).clips
    for clip, part in ((bend, parts[0]), (walk, parts[1])):
        np.testing.assert_allclose(clip.pose.world_m, part.pose.world_m, atol=1e-6)
    with pytest.raises(InputError, match=r"row 3, column `landmarks`: .*landmarks of `jump`, got touch-toes, walk"):
        read_study(write_manifest(tmp_path, text.replace("touch-toes", "jump")))


def test_the_one_exercise_of_a_file_may_have_another_name_unless_that_is_another_exercise(tmp_path):
    write_landmarks(tmp_path / "s.parquet", make_assessment([make_exercise(Exercise.WALK)]))
    text = "subject,exercise,landmarks,rating\nA,timed walk,s.parquet,70\n"
    assert read_study(write_manifest(tmp_path, text)).exercises == ("timed walk",)
    with pytest.raises(InputError, match="expected the landmarks of `jump`, got walk"):
        read_study(write_manifest(tmp_path, text.replace("timed walk", "jump")))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (",walk,l/3.parquet,1", "row 4, column `subject`: expected a value, got nothing"),
        ("C,,l/3.parquet,1", "row 4, column `exercise`: expected a value, got nothing"),
        (
            "C,walk,,1",
            "row 4, column `landmarks`: expected a file of landmarks, or a video in `recording`, got nothing",
        ),
        (
            "C,walk,l/3.parquet,101",
            r"row 4, column `rating`: expected a number from 0 \(worst\) to 100 \(best\), got `101`",
        ),
        ("C,walk,l/3.parquet,-1", "row 4, column `rating`: .* got `-1`"),
        ("C,walk,l/3.parquet,inf", "row 4, column `rating`: .* got `inf`"),
        ("C,walk,l/3.parquet,good", "row 4, column `rating`: .* got `good`"),
        ("C,walk,l/3.parquet,1,17", "row 4, column `height_cm`: expected centimetres from 100 to 230, got `17`"),
        ("C,walk,l/3.parquet,1,170,x", "row 4: expected 5 cells as in the header, got 6"),
        (
            "C,walk,l/9.parquet,1",
            r"row 4, column `landmarks`: \S*9\.parquet: expected a file of landmarks, found nothing there$",
        ),
        ("C,walk,back-study.csv,1", "row 4, column `landmarks`: .*must be a readable Parquet file"),
        ("C,walk,l,1", "row 4, column `landmarks`: .*must be a readable Parquet file"),
        ("C,walk,./l/2.parquet,1", "row 4, column `landmarks`: expected a file of its own for walk, got that of row 3"),
        ("a,walk,l/3.parquet,1", "row 4, column `subject`: expected `A` as in row 2, got `a`"),
        ("C,Walk,l/3.parquet,1", "row 4, column `exercise`: expected `walk` as in row 2, got `Walk`"),
    ],
)
def test_a_mistake_is_told_by_row_and_column(tmp_path, row, expected):
    text = f"subject,exercise,landmarks,rating,height_cm\nA,walk,l/1.parquet,80,170\nB,walk,l/2.parquet,,\n{row}\n"
    with pytest.raises(InputError, match=rf"^back-study\.csv: {expected}") as caught:
        read_study(write_manifest(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_all_mistakes_are_told_at_once_and_the_list_ends(tmp_path):
    rows = "".join(f"P{n},walk,l/{n}.parquet,{100 + n}\n" for n in range(1, 14))
    with pytest.raises(InputError) as caught:
        read_study(write_manifest(tmp_path, "subject,exercise,landmarks,rating\n" + rows))
    message = str(caught.value)
    assert message.count("column `rating`") == 10
    assert "row 2, " in message
    assert message.endswith("; and 3 more")


def test_a_constant_column_may_not_change(tmp_path):
    text = (
        "subject,exercise,landmarks,score,score_best,score_worst,score_binary\n"
        "A,x,l/1.parquet,1,1,0,yes\nB,x,l/2.parquet,0,2,,\nC,x,l/3.parquet,0.5,,,\n"
    )
    with pytest.raises(InputError, match="row 3, column `score_best`: expected `1` as in row 2, got `2`") as caught:
        read_study(write_manifest(tmp_path, text))
    assert "row 4, column `score`: expected 0 or 1, got `0.5`" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("subject,exercise,landmarks\n", "missing: rating or score; got: subject, exercise, landmarks"),
        ("subject;rating\n", "missing: exercise; got: subject, rating"),
        ("subject,exercise,rating,score\n", "expected either `rating` or `score`, got both"),
        ("subject,exercise,rating,rating\n", "expected each column once, got `rating` several times"),
        ("subject,exercise,rating\n\n", "expected a row a clip below the header, got none"),
        (
            "subject,exercise,score,score_best,score_worst\nA,x,1,one,0\n",
            "column `score_best`: expected a number, got `one`",
        ),
        (
            "subject,exercise,score,score_best,score_worst\nA,x,1,1,1\n",
            "`best` and `worst` must be two different numbers",
        ),
        ("subject,exercise,score,score_best\nA,x,1,1\n", "got one of them"),
        ("", "missing: subject, exercise, rating or score; got: none"),
        ('subject,exercise,rating\nA,"x,1\n', "expected a table"),
    ],
)
def test_a_table_that_cannot_be_a_study_is_one_line(tmp_path, text, expected):
    with pytest.raises(InputError, match=expected) as caught:
        read_study(write_manifest(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_accents_of_a_spreadsheet_that_does_not_write_utf_8_are_read(tmp_path):
    study = read_study(write_manifest(tmp_path, RATED.replace("patient", "R\u00fcckenschmerz"), encoding="latin-1"))
    assert "R\u00fcckenschmerz" in {clip.group for clip in study.clips}


def test_a_damaged_table_and_none_are_one_line(tmp_path):
    with pytest.raises(InputError, match=r"s\.parquet: expected a table"):
        read_study(write_manifest(tmp_path, "no Parquet", name="s.parquet"))
    with pytest.raises(InputError, match=r"none\.csv: cannot be read: No such file"):
        read_study(tmp_path / "none.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_study(tmp_path)


VIDEOS = "subject,exercise,recording,rating\nA,walk,videos/a/1.mp4,80\nB,walk,videos/b/1.mp4,70\n"


def test_videos_only_end_in_the_command_to_run(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "videos" / name).mkdir(parents=True)
        (tmp_path / "videos" / name / "1.mp4").touch()
    manifest = write_manifest(tmp_path, VIDEOS)
    with pytest.raises(
        InputError, match=r"expected landmarks for 2 recordings \(rows 2, 3\), got videos only"
    ) as caught:
        read_study(manifest)
    command = shlex.split(str(caught.value).partition("run this again: ")[2])
    assert command == ["backsight", "extract", str(tmp_path / "videos"), "--out", str(landmarks_beside(manifest))]
    (tmp_path / "videos/b/1.mp4").unlink()
    with pytest.raises(InputError, match=r"row 3, column `recording`: expected a video, got videos/b/1\.mp4"):
        read_study(manifest)


@pytest.mark.parametrize("part", ["#t=0,1.5", "#xywh=0,0,64,64"])
def test_a_part_of_a_recording_is_told_to_be_cut(tmp_path, part):
    (tmp_path / "videos/a").mkdir(parents=True)
    (tmp_path / "videos/a/1.mp4").touch()
    text = f'subject,exercise,recording,rating\nA,walk,"videos/a/1.mp4{part}",80\n'
    with pytest.raises(InputError) as caught:
        read_study(write_manifest(tmp_path, text))
    assert str(caught.value).endswith(
        f"row 2, column `recording`: expected a video, got `{part}` behind its name; a study's row is a whole "
        "recording, so cut the film first"
    )


def test_columns_that_name_parts_and_unusable_recordings_are_noted(tmp_path):
    def extract(recording):
        bad = "b/" in recording.as_posix()
        return FoundPose(make_clip_pose(offset_m=float(bad)), FoundBy("heavy"), is_unusable=bad)

    text = (
        VIDEOS.replace("rating\n", "rating,start,end,mood\n").replace("80\n", "80,0,1.5,\n").replace("70\n", "70,,,\n")
    )
    assert read_study(write_manifest(tmp_path, text), extract=extract).notes == (
        "`start`, `end`: not read; a study's row is a whole recording, so cut the film first",
        "1 of 2 clips with a row were judged unusable as they were extracted, such as videos/b/1.mp4 (quality.parquet "
        "says why): they are learnt from all the same, and `assess` would refuse such recordings; leave them out with "
        "the column `exclude`",
    )


def test_the_caller_s_extractor_is_asked_for_recordings_only(tmp_path):
    asked = []

    def extract(recording):
        asked.append(recording.relative_to(tmp_path).as_posix())
        if "b/" in asked[-1]:
            raise InputError("too dark")
        return FoundPose(make_clip_pose(offset_m=1.0), FoundBy("heavy"))

    text = VIDEOS.replace("recording,", "recording,landmarks,").replace("mp4,", "mp4,,") + "C,walk,,l/3.parquet,60\n"
    with pytest.raises(InputError, match="row 3, column `recording`: too dark"):
        read_study(write_manifest(tmp_path, text), extract=extract)
    assert asked == ["videos/a/1.mp4", "videos/b/1.mp4"]
    text = text.replace("B,", "b,").replace("b,walk", "B,walk").replace("videos/b", "videos/c")
    study = read_study(write_manifest(tmp_path, text), extract=extract)
    assert [clip.name for clip in study.clips] == ["videos/a/1.mp4", "videos/c/1.mp4", "l/3.parquet"]
    assert study.clips[0].pose.world_m[0, 0, 0] == 1.0
    assert [clip.found_by for clip in study.clips] == [FoundBy("heavy"), FoundBy("heavy"), NOT_KNOWN]
    assert study.clips[2].pose.world_m[0, 0, 0] == 0.0


THREE = "subject,exercise,landmarks,rating\nA,walk,l/1.parquet,70\nB,walk,l/2.parquet,80\nC,walk,l/3.parquet,60\n"


def read_found_by(folder: Path, *about: dict[str, object]) -> Study:
    """Read three clips whose files say that much of what found their landmarks."""
    manifest = write_manifest(folder, THREE)
    for number, told in enumerate(about, start=1):
        write_clip_landmarks(folder / f"l/{number}.parquet", make_clip_pose(offset_m=float(number)), **told)
    return read_study(manifest)


def test_clips_say_what_found_their_landmarks_as_far_as_files_do(tmp_path):
    full = {"pose_model": "full", "engine": "openvino"}
    study = read_found_by(tmp_path, full, {"sensor": "Kinect v2"}, {"pose_model": 3, "engine": None})
    assert [clip.found_by for clip in study.clips] == [
        FoundBy("full", "openvino"),
        FoundBy(sensor="Kinect v2"),
        NOT_KNOWN,
    ]
    again = read_study(write_study(study, tmp_path / "again"))
    assert [clip.found_by for clip in again.clips] == [clip.found_by for clip in study.clips]


def test_what_assess_wrote_says_what_found_it(tmp_path):
    assessment = replace(make_assessment([make_exercise(Exercise.WALK)]), pose_model="heavy", pose_engine="mediapipe")
    write_landmarks(tmp_path / "s.parquet", assessment)
    study = read_study(write_manifest(tmp_path, "subject,exercise,landmarks,rating\nA,walk,s.parquet,70\n"))
    assert study.clips[0].found_by == FoundBy("heavy", "mediapipe")


@pytest.mark.parametrize(
    ("about", "found"),
    [
        (({"pose_model": "lite"},) * 3, None),
        # The same networks, whatever runs them.
        (({"pose_model": "lite", "engine": "openvino"}, *({"pose_model": "lite", "engine": "mediapipe"},) * 2), None),
        (({},) * 3, None),
        (
            ({"pose_model": "full"}, *({"pose_model": "lite"},) * 2),
            r"BlazePose lite \(2 clips\), BlazePose full \(1 clip\)",
        ),
        (({"pose_model": "full"}, {"pose_model": "full"}, {}), r"BlazePose full \(2 clips\), not known \(1 clip\)"),
    ],
)
def test_a_study_that_mixes_landmarks_says_so(tmp_path, about, found):
    notes = read_found_by(tmp_path, *about).notes
    if found is None:
        assert notes == ()
    else:
        assert len(notes) == 1
        assert re.match(f"the landmarks were found by {found}, and each finds others", notes[0])


def make_study(scale: ScoreScale = RATING_SCALE) -> Study:
    clip = StudyClip(
        subject="P 1, \u00e9",
        exercise="squat",
        pose=make_clip_pose(),
        score=scale.to_score(1 / 3),
        group="x",
        view="side",
        session="2",
        name="first",
    )
    other = replace(clip, pose=make_clip_pose(n_frames=5, offset_m=0.5), score=math.nan, group="", exercise="walk")
    return Study(name="study", clips=(clip, other), scale=scale, source="Somebody, 2020")


@pytest.mark.parametrize(
    "scale", [RATING_SCALE, ScoreScale(best=0.0, worst=7.0, unit="%"), ScoreScale(best=0.5, worst=3.0)], ids=str
)
def test_what_is_written_reads_the_same(tmp_path, scale):
    study = make_study(scale)
    back = read_study(write_study(study, tmp_path / "out"))
    assert (back.name, back.scale, back.source) == (study.name, study.scale, study.source)
    for ours, theirs in zip(back.clips, study.clips, strict=True):
        for name in ("subject", "exercise", "group", "view", "session", "name"):
            assert getattr(ours, name) == getattr(theirs, name), name
        assert ours.score == pytest.approx(theirs.score, rel=0, abs=0, nan_ok=True)
        for name in ("image_px", "world_m", "visibility", "presence", "timestamps_s"):
            # All of these are whole multiples of 1/64, or times in float64.
            np.testing.assert_array_equal(getattr(ours.pose, name), getattr(theirs.pose, name), err_msg=name)
        assert ours.pose.frame_size == theirs.pose.frame_size


def test_writing_replaces_nothing_unasked(tmp_path):
    write_study(make_study(), tmp_path / "out")
    with pytest.raises(OutputError, match="--overwrite"):
        write_study(make_study(), tmp_path / "out")
    (tmp_path / "out/notes.txt").write_text("mine")
    write_study(replace(make_study(), clips=make_study().clips[:1]), tmp_path / "out", overwrite=True)
    names = sorted(path.name for path in (tmp_path / "out").rglob("*"))
    assert names == ["00001.parquet", "landmarks", "notes.txt", "study.csv"]


def test_every_column_is_described_in_the_docs():
    page = (Path(__file__).parents[3] / "docs/studies.md").read_text(encoding="utf-8")
    assert [name for name in COLUMNS if f"| `{name}` |" not in page] == []


def spoilt_pose(spoil):
    pose = make_clip_pose()
    world = pose.world_m.copy()
    world[:] = np.nan if spoil == "nobody" else world
    world[1, 4, 2] = np.inf if spoil == "infinite" else world[1, 4, 2]
    return replace(pose, world_m=world)


@pytest.mark.parametrize(
    ("pose", "said"),
    [
        (spoilt_pose("nobody"), "expected landmarks of a person, got none in 3 frames"),
        (spoilt_pose("infinite"), "expected numbers, .* got infinity"),
        (make_clip_pose(n_frames=2), "expected 3 frames or more, got 2"),
    ],
    ids=["nobody", "infinite", "short"],
)
def test_landmarks_of_which_nothing_can_be_learnt_are_a_mistake_of_their_row(tmp_path, pose, said):
    manifest = write_manifest(tmp_path, RATED)
    (tmp_path / "l/2.parquet").write_bytes(pack_clip_landmarks(pose, key="2", key_meaning="row", about={}))
    with pytest.raises(InputError, match=rf"^back-study\.csv: row 3, column `landmarks`: {said}"):
        read_study(manifest)
    manifest.write_text(RATED.replace("group", "exclude").replace("patient", "").replace(",,\n", ",,not seen\n"))
    assert len(read_study(manifest).clips) == 1


def test_mistakes_of_cells_and_files_are_told_together_in_the_order_of_rows(tmp_path):
    manifest = write_manifest(tmp_path, RATED.replace("1.parquet", "9.parquet") + "P03,walk,l/3.parquet,900,\n")
    with pytest.raises(InputError, match=r"row 2, column `landmarks`: .*nothing there; row 4, column `rating`"):
        read_study(manifest)


def test_rows_of_parquet_count_as_a_spreadsheet_shows_them(tmp_path):
    write_manifest(tmp_path, RATED)
    columns = {"subject": ["A"], "exercise": ["walk"], "landmarks": ["l/1.parquet"], "rating": [900.0]}
    pq.write_table(pa.table(columns), tmp_path / "study.parquet")
    with pytest.raises(InputError, match="row 2, column `rating`"):
        read_study(tmp_path / "study.parquet")


@pytest.mark.parametrize("cell", ["NA", "nan", "n/a", "NULL"])
def test_words_for_nothing_are_no_rating(tmp_path, cell):
    assert not read_study(write_manifest(tmp_path, RATED.replace("80", cell))).clips[0].is_scored


def test_a_decimal_comma_is_told_as_such(tmp_path):
    with pytest.raises(InputError, match=r"expected a decimal point, as 50\.5, got `50,5`"):
        read_study(write_manifest(tmp_path, RATED.replace("80", '"50,5"')))


def test_ratings_beside_a_manifest_are_refused(tmp_path):
    manifest = write_manifest(tmp_path, RATED)
    for source in (manifest, write_manifest(tmp_path, RATED, name="study.csv").parent):
        with pytest.raises(InputError, match=r"--ratings more\.csv: .*leave --ratings out"):
            open_study(str(source), ratings=Path("more.csv"))
