"""A cohort goes on where it stopped, and one film that fails does not cost the others."""

import csv
import json
import zipfile
from pathlib import Path

import av
import pytest

from backsight.domain.recording import Exercise
from backsight.errors import InputError, OutputError, ShotError
from backsight.studio import cache
from backsight.studio.cohort import check_cohort_folder, film_cohort, film_people
from backsight.studio.filmed import Equipment, FilmedRecording, Shot, plan_shots
from tests.unit.studio.fakes import BUNDLES, EQUIPMENT, FULL_DISK, NONE_LEFT_TO_DO, STUMBLING, UNSENDABLE

SHOTS = plan_shots(range(3), seed=4, exercises=[Exercise.JUMP], fps=6.0)


def film(folder: Path, equipment: Equipment, **options: object) -> list[FilmedRecording]:
    return film_cohort(SHOTS, folder=folder, models=BUNDLES, equipment=equipment, **options)


def test_what_is_finished_is_not_filmed_again(tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []
    first = film(tmp_path / "new", EQUIPMENT, on_progress=lambda done, total: progress.append((done, total)))
    again = film(tmp_path / "new", NONE_LEFT_TO_DO)

    assert [filmed.shot for filmed in first] == [filmed.shot for filmed in again] == list(SHOTS)
    n_looks = 3 * sum(filmed.tracks["lite"].pose.n_frames for filmed in first)
    assert progress[-1] == (n_looks, n_looks)
    assert all(done <= total for done, total in progress)


def test_a_shot_that_fails_is_told_and_the_others_are_there(tmp_path: Path) -> None:
    failures: list[tuple[Shot, Exception]] = []
    filmed = film(tmp_path, STUMBLING, on_failure=lambda shot, error: failures.append((shot, error)))

    assert [recording.number for recording in filmed] == [0, 2]
    ((shot, error),) = failures
    assert shot == SHOTS[1]
    assert str(error).startswith(f"{shot.name}: cannot be filmed (ZeroDivisionError: the renderer stumbles)")
    assert [recording.number for recording in film(tmp_path, EQUIPMENT)] == [0, 1, 2]


def test_a_failure_that_nobody_asks_about_is_raised_when_the_others_are_done(tmp_path: Path) -> None:
    with pytest.raises(ShotError, match=f"{SHOTS[1].name}: .*the renderer stumbles"):
        film(tmp_path, STUMBLING)
    assert len(list(tmp_path.glob("*.film"))) == 2


def test_an_error_that_cannot_be_sent_between_processes_costs_one_shot_and_not_the_pool(tmp_path: Path) -> None:
    failures: list[Shot] = []
    filmed = film(tmp_path, UNSENDABLE, n_workers=2, on_failure=lambda shot, _error: failures.append(shot))
    assert [recording.number for recording in filmed] == [0, 2]
    assert failures == [SHOTS[1]]


def test_what_is_there_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film(tmp_path, EQUIPMENT)
    opened: list[str] = []

    class CountingZip(zipfile.ZipFile):
        def __init__(self, file: Path) -> None:
            opened.append(file.stem)
            super().__init__(file)

    monkeypatch.setattr(cache.zipfile, "ZipFile", CountingZip)
    assert len(film(tmp_path, NONE_LEFT_TO_DO)) == 3
    assert sorted(opened) == sorted(shot.name for shot in SHOTS)


def test_a_full_disk_ends_the_cohort_at_once(tmp_path: Path) -> None:
    failures: list[Shot] = []
    with pytest.raises(OutputError, match="the disk is full"):
        film(tmp_path, FULL_DISK, on_failure=lambda shot, _error: failures.append(shot))
    assert failures == []


def test_another_model_looks_later_and_what_the_first_saw_is_kept(tmp_path: Path) -> None:
    film_cohort(SHOTS[:1], folder=tmp_path, models={"lite": BUNDLES["lite"]}, equipment=EQUIPMENT)
    (filmed,) = film_cohort(SHOTS[:1], folder=tmp_path, models={"full": BUNDLES["full"]}, equipment=EQUIPMENT)
    assert {name: track.pose.image_px[0, 5, 0] for name, track in filmed.tracks.items()} == {"lite": 10.0, "full": 20.0}


def test_landmarks_are_listed_in_a_table(tmp_path: Path) -> None:
    film(tmp_path, EQUIPMENT)
    with (tmp_path / "manifest.csv").open(newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == [f"{shot.name}.film" for shot in SHOTS]


def test_two_processes_film_the_same_as_one(tmp_path: Path) -> None:
    alone = film(tmp_path / "one", EQUIPMENT)
    together = film(tmp_path / "two", EQUIPMENT, n_workers=2)
    assert [one.source for one in alone] == [two.source for two in together]
    for one, two in zip(alone, together, strict=True):
        assert (one.tracks["full"].pose.visibility == two.tracks["full"].pose.visibility).all()


def test_people_have_a_folder_each_and_a_table_of_all(tmp_path: Path) -> None:
    shots = plan_shots(range(2), seed=4, exercises=[Exercise.WALK, Exercise.JUMP], fps=6.0)

    film_people(shots, folder=tmp_path, equipment=EQUIPMENT)

    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["00000", "00001", "manifest.csv"]
    with (tmp_path / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["00000/walk.mp4", "00000/jump.mp4", "00001/walk.mp4", "00001/jump.mp4"]
    performance = shots[1].perform()
    assert rows[1]["subject"] == "virtual-4-00000"
    assert float(rows[1]["rating"]) == pytest.approx(performance.rating, rel=1e-5)
    assert float(rows[1]["view_yaw_deg"]) == pytest.approx(performance.view_yaw_deg, rel=1e-5)
    with av.open(tmp_path / rows[1]["file"]) as container:
        assert container.streams.video[0].frames == len(performance.motion.timestamps_s)
    truth = json.loads((tmp_path / "00000/truth.json").read_text())
    assert [recording["file"] for recording in truth["recordings"]] == ["walk.mp4", "jump.mp4"]


def test_only_a_person_whose_files_have_changed_is_filmed_again(tmp_path: Path) -> None:
    film_people(SHOTS, folder=tmp_path, equipment=EQUIPMENT)
    film_people(SHOTS, folder=tmp_path, equipment=NONE_LEFT_TO_DO)

    clip = tmp_path / "00001/jump.mp4"
    whole = clip.read_bytes()
    clip.write_bytes(whole[:-100])
    failures: list[int] = []
    rows = film_people(
        SHOTS, folder=tmp_path, equipment=STUMBLING, on_failure=lambda shot, _: failures.append(shot.subject_index)
    )
    assert failures == [1]
    assert [row.file for row in rows] == ["00000/jump.mp4", "00002/jump.mp4"]
    film_people(SHOTS, folder=tmp_path, equipment=EQUIPMENT)
    assert clip.read_bytes() == whole


def test_a_folder_holds_one_cohort_and_nothing_of_somebody_elses(tmp_path: Path) -> None:
    check_cohort_folder(tmp_path / "mine", seed=1, landmarks_only=False)
    check_cohort_folder(tmp_path / "mine", seed=1, landmarks_only=False)
    with pytest.raises(InputError, match=r"another cohort \(seed 1, clips\), wanted seed 2, clips"):
        check_cohort_folder(tmp_path / "mine", seed=2, landmarks_only=False)
    with pytest.raises(InputError, match="wanted seed 1, landmarks only"):
        check_cohort_folder(tmp_path / "mine", seed=1, landmarks_only=True)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/cat.jpg").touch()
    with pytest.raises(InputError, match=r"no cohort\.json, so no cohort; choose another folder"):
        check_cohort_folder(tmp_path / "photos", seed=1, landmarks_only=False)
    with pytest.raises(OutputError, match="cannot write"):
        check_cohort_folder(tmp_path / "photos/cat.jpg/inside", seed=1, landmarks_only=False)
