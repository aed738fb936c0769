"""A folder of `backsight extract` joined with ratings, and recordings found in it."""

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backsight.batch.store import CLIPS_SCHEMA
from backsight.datasets.extracted import find_extracted, read_extracted
from backsight.datasets.study import read_study
from backsight.domain.study import NOT_KNOWN, FoundBy
from backsight.errors import InputError
from tests.unit.datasets.packs import make_clip_pose, write_clip_landmarks


def write_results(folder: Path, *clips: tuple[str | None, str | None, str | None, str]) -> Path:
    """Write (subject, exercise, session, file) as `extract` does; files that begin with `bad` failed."""
    rows = []
    for number, (subject, exercise, session, file) in enumerate(clips):
        row = dict.fromkeys(CLIPS_SCHEMA.names) | {"subject": subject, "exercise": exercise, "session": session}
        if file.startswith("bad"):
            row |= {"file": file, "status": "failed", "reason": "not a video"}
        else:
            landmarks = f"landmarks/part=00/{number}.parquet"
            write_clip_landmarks(folder / landmarks, make_clip_pose(offset_m=float(number)))
            row |= {"file": file, "status": "done", "landmarks_file": landmarks}
        rows.append(row)
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=CLIPS_SCHEMA), folder / "clips.parquet")
    return folder


SESSIONS = (("A", "walk", "1", "a1.mp4"), ("A", "walk", "2", "a2.mp4"), ("B", "walk", "1", "b1.mp4"))


def test_ratings_are_joined_by_subject_exercise_and_session(tmp_path):
    folder = write_results(tmp_path / "out", *SESSIONS, ("C", "walk", "1", "c.mp4"), ("D", "walk", "1", "bad.mp4"))
    (folder / "ratings.csv").write_text(
        "subject,exercise,session,rating,group,exclude\n"
        "B,walk,1,70,x,\nA,walk,2,50,y,\nA,walk,1,90,y,\nC,walk,1,60,,fell\nD,walk,1,5,,\n"
    )
    study = read_extracted(folder)
    found = [(clip.subject, clip.session, clip.score, clip.group, clip.name) for clip in study.clips]
    assert found == [
        ("A", "1", 90.0, "y", "a1.mp4"),
        ("A", "2", 50.0, "y", "a2.mp4"),
        ("B", "1", 70.0, "x", "b1.mp4"),
    ]
    assert [clip.pose.world_m[0, 0, 0] for clip in study.clips] == [0.0, 1.0, 2.0]
    assert study.name == "out"


def test_clips_keep_what_found_their_landmarks_and_a_mixture_is_noted(tmp_path):
    folder = write_results(tmp_path / "out", ("A", "walk", None, "a.mp4"), ("B", "walk", None, "b.mp4"))
    write_clip_landmarks(folder / "landmarks/part=00/0.parquet", pose_model="full", engine="openvino")
    (folder / "ratings.csv").write_text("subject,exercise,rating\nB,walk,30\n")
    study = read_extracted(folder)
    assert [clip.found_by for clip in study.clips] == [FoundBy("full", "openvino"), NOT_KNOWN]
    assert [note for note in study.notes if "BlazePose full (1 clip), not known (1 clip)" in note] == list(study.notes)
    assert find_extracted(folder)(tmp_path / "a.mp4").found_by == FoundBy("full", "openvino")


def test_clips_that_an_assessment_would_refuse_are_noted_where_they_are_learnt_from(tmp_path):
    folder = write_results(tmp_path / "out", *SESSIONS)
    table = pq.read_table(folder / "clips.parquet").to_pylist()
    qualities = ("unusable", "poor", "unusable")
    rows = [row | {"quality": quality} for row, quality in zip(table, qualities, strict=True)]
    pq.write_table(pa.Table.from_pylist(rows, schema=CLIPS_SCHEMA), folder / "clips.parquet")
    (folder / "ratings.csv").write_text("subject,exercise,session,rating\nA,walk,1,90\nA,walk,2,50\n")
    (note,) = read_extracted(folder).notes
    assert note.startswith("1 of 2 clips with a row were judged unusable as they were extracted, such as a1.mp4 (")
    find = find_extracted(folder)
    assert [find(tmp_path / row["file"]).is_unusable for row in rows] == [True, False, True]


def test_the_same_landmarks_under_two_names_are_noted(tmp_path):
    folder = write_results(tmp_path / "out", *SESSIONS)
    write_clip_landmarks(folder / "landmarks/part=00/2.parquet", make_clip_pose(offset_m=0.0))
    (folder / "ratings.csv").write_text("subject,exercise,session,rating\nA,walk,1,90\nA,walk,2,50\nB,walk,1,70\n")
    (note,) = read_extracted(folder).notes
    assert note.startswith("a recording is given as of several subjects, such as A and B, with the same landmarks: ")


def test_a_clip_without_a_row_is_unscored(tmp_path):
    folder = write_results(tmp_path / "out", ("A", "walk", None, "a.mp4"), ("B", "walk", None, "b.mp4"))
    ratings = tmp_path / "r.csv"
    ratings.write_text("subject,exercise,score,score_best,score_worst\nB,walk,3,0,10\n")
    unscored, scored = read_extracted(folder, ratings=ratings).clips
    assert math.isnan(unscored.score)
    assert (unscored.subject, scored.subject, scored.score) == ("A", "B", 3.0)


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        ("subject,exercise,rating\nA,walk,1\n", "row 2: expected one clip of A walk in .*got 2; .*`session`"),
        ("subject,exercise,session,rating\nE,walk,1,1\n", "row 2: expected one clip of E walk 1 in .*got none"),
        ("subject,exercise,session,rating\nB,walk,1,1\nB,walk,1,2\n", "row 3: expected each clip once, .*row 2"),
        ("subject,exercise,session,rating\nB,walk,1,200\n", "row 2, column `rating`"),
    ],
)
def test_a_row_that_fits_no_single_clip_is_told(tmp_path, ratings, expected):
    folder = write_results(tmp_path / "out", *SESSIONS)
    (folder / "ratings.csv").write_text(ratings)
    with pytest.raises(InputError, match=rf"^ratings\.csv: {expected}"):
        read_extracted(folder)


def test_what_is_missing_is_named(tmp_path):
    folder = write_results(tmp_path / "out", (None, None, None, "a.mp4"))
    with pytest.raises(InputError, match=r"expected ratings\.csv or ratings\.parquet"):
        read_extracted(folder)
    (folder / "ratings.csv").write_text("subject,exercise,rating\nA,walk,1\n")
    with pytest.raises(InputError, match="expected clips that say whose they are"):
        read_extracted(folder)
    (folder / "clips.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"clips\.parquet: expected the table of `backsight extract`"):
        read_extracted(folder)
    pq.write_table(pa.table({"file": ["a"]}), folder / "clips.parquet")
    with pytest.raises(InputError, match="no columns subject, session"):
        read_extracted(folder)


def test_recordings_are_found_by_the_end_of_their_path(tmp_path):
    """The folder beside a manifest is used without being named."""
    folder = tmp_path / "study-landmarks"
    write_results(folder, (None, None, None, "a/1.mp4"), (None, None, None, "b/1.mp4"), (None, None, None, "bad.mp4"))
    manifest = tmp_path / "study.csv"
    manifest.write_text("subject,exercise,recording,rating\nB,walk,videos/b/1.mp4,70\nA,walk,videos/a/1.mp4,80\n")
    assert [clip.pose.world_m[0, 0, 0] for clip in read_study(manifest).clips] == [1.0, 0.0]
    find = find_extracted(folder)
    with pytest.raises(InputError, match=r"bad\.mp4: not a video"):
        find(tmp_path / "bad.mp4")
    with pytest.raises(InputError, match=r"1\.mp4: expected one clip of it in .*got none"):
        find(tmp_path / "c/1.mp4")


def test_two_clips_of_one_recording_cannot_be_told_apart(tmp_path):
    folder = write_results(tmp_path / "out", (None, None, None, "1.mp4"), (None, None, None, "1.mp4"))
    with pytest.raises(InputError, match=r"expected one clip of it in .*got 2"):
        find_extracted(folder)(tmp_path / "1.mp4")


def test_what_was_guessed_of_the_ratings_is_noted(tmp_path):
    folder = write_results(tmp_path / "out", ("Jörg", "walk", None, "a.mp4"))
    (folder / "ratings.csv").write_text("subject,exercise,rating\nJörg,walk,50\n", encoding="cp1252")
    study = read_extracted(folder)
    assert [clip.score for clip in study.clips] == [50.0]
    assert len(study.notes) == 1
    assert study.notes[0].startswith("ratings.csv is not UTF-8 and was read as Windows-1252")
