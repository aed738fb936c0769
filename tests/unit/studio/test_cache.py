"""A recording is found again with today's truth; damage and age are noticed."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backsight.domain.recording import Exercise
from backsight.errors import InputError, OutputError
from backsight.studio.cache import is_filmed, load_filmed, save_filmed, shot_path
from backsight.studio.filmed import FilmedRecording, Shot, film_recording
from backsight.studio.fingerprint import Fingerprint
from backsight.studio.spoiling import Spoil
from tests.unit.studio.fakes import BUNDLES, EQUIPMENT

SHOT = Shot(3, Exercise.JUMP, 5, fps=8.0, yaw_deg=-30.0, spoil=Spoil.TWO_PEOPLE)
NOW = Fingerprint.of_package()
MODELS = {"lite", "full"}


@pytest.fixture(scope="module")
def filmed() -> FilmedRecording:
    return film_recording(SHOT, bundles=BUNDLES, equipment=EQUIPMENT)


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    description = json.loads(entries["recording.json"])
    change(description)
    entries["recording.json"] = json.dumps(description).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def test_a_recording_comes_back_as_it_was_filmed(tmp_path: Path, filmed: FilmedRecording) -> None:
    path = save_filmed(tmp_path, filmed, fingerprint=NOW)

    assert path == shot_path(tmp_path, SHOT)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    (back,) = load_filmed(tmp_path)
    for name in ("shot", "recording", "index", "fps", "view_yaw_deg", "distance_m", "height_m", "source", "is_fresh"):
        assert getattr(back, name) == getattr(filmed, name), name
    assert back.truth.values == pytest.approx(dict(filmed.truth.values), nan_ok=True)
    assert back.truth.events == filmed.truth.events
    assert set(back.tracks) == MODELS
    np.testing.assert_allclose(
        back.tracks["full"].pose.image_px, filmed.tracks["full"].pose.image_px, atol=1 / 32, equal_nan=True
    )
    assert is_filmed(tmp_path, SHOT, models=MODELS, now=NOW)
    assert not is_filmed(tmp_path, SHOT, models={"heavy"}, now=NOW)
    assert not is_filmed(tmp_path, replace(SHOT, fps=9.0), models=MODELS, now=NOW)


def test_other_pictures_make_it_stale_but_keep_todays_truth(tmp_path: Path, filmed: FilmedRecording) -> None:
    save_filmed(tmp_path, filmed, fingerprint=replace(NOW, pictures="older"))

    assert not is_filmed(tmp_path, SHOT, models=MODELS, now=NOW)
    with pytest.raises(InputError, match=r"1 of 1 recordings were filmed by another version.*require_fresh=False"):
        load_filmed(tmp_path)
    (back,) = load_filmed(tmp_path, require_fresh=False)
    assert not back.is_fresh
    assert set(back.truth.angles) == set(filmed.truth.angles)


def test_other_simulation_code_that_moves_alike_leaves_it_fresh(tmp_path: Path, filmed: FilmedRecording) -> None:
    save_filmed(tmp_path, filmed, fingerprint=replace(NOW, movement="older"))
    assert is_filmed(tmp_path, SHOT, models=MODELS, now=NOW)
    assert load_filmed(tmp_path)[0].is_fresh


def test_where_the_volunteer_moves_otherwise_now_the_noted_truth_counts(
    tmp_path: Path, filmed: FilmedRecording
) -> None:
    def move_otherwise(description: dict[str, Any]) -> None:
        description["signature"][0][0][0] += 1.0  # The nose was a pixel further to the right on average.
        description["noted"]["truth"]["jump_hip_rise_cm"] = 12.5
        description["noted"]["truth"]["lateral_lean_deg"] = None
        description["noted"]["height_m"] = 1.5

    rewrite(save_filmed(tmp_path, filmed, fingerprint=replace(NOW, movement="older")), move_otherwise)

    assert not is_filmed(tmp_path, SHOT, models=MODELS, now=NOW)
    (back,) = load_filmed(tmp_path, require_fresh=False)
    assert not back.is_fresh
    assert back.truth.values["jump_hip_rise_cm"] == 12.5
    assert np.isnan(back.truth.values["lateral_lean_deg"])
    assert (back.height_m, back.truth.angles) == (1.5, {})
    assert back.truth.events == filmed.truth.events


@pytest.mark.parametrize("kept_share", [0.0, 0.5, 0.98])
def test_a_cut_off_file_is_told_and_filmed_again(tmp_path: Path, filmed: FilmedRecording, kept_share: float) -> None:
    path = save_filmed(tmp_path, filmed, fingerprint=NOW)
    path.write_bytes(path.read_bytes()[: int(kept_share * path.stat().st_size)])

    assert not is_filmed(tmp_path, SHOT, models=MODELS, now=NOW)
    with pytest.raises(InputError, match=rf"{path.name}: is damaged.*film it again"):
        load_filmed(tmp_path)


def test_a_flipped_bit_is_told(tmp_path: Path, filmed: FilmedRecording) -> None:
    path = save_filmed(tmp_path, filmed, fingerprint=NOW)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    assert not is_filmed(tmp_path, SHOT, models=MODELS, now=NOW)


def test_a_newer_format_is_named(tmp_path: Path, filmed: FilmedRecording) -> None:
    rewrite(save_filmed(tmp_path, filmed, fingerprint=NOW), lambda description: description.update(format=99))
    with pytest.raises(InputError, match="expected format 1, got 99"):
        load_filmed(tmp_path)


def test_an_empty_folder_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found none; film a cohort first"):
        load_filmed(tmp_path)


def test_no_folder_to_write_into_is_one_line(tmp_path: Path, filmed: FilmedRecording) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*nowhere"):
        save_filmed(tmp_path / "nowhere", filmed, fingerprint=NOW)
