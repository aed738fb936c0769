"""A fitted learner survives its file: same scores, no pickle, nothing but Backsight's own classes."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from backsight.domain.study import FoundBy
from backsight.errors import CheckpointError, InvalidValueError
from backsight.evaluation.baselines import Duration
from backsight.evaluation.blinding import pseudonym
from backsight.studying.teaching import (
    describe_people,
    judge_strangers,
    keyed_digest,
    make_fitted_file,
)
from backsight.training.fitted_file import fitted_to_bytes, read_fitted, read_study_facts, write_fitted
from backsight.training.forest_arrays import ForestArrays
from backsight.training.kinematic import KinematicLearner
from tests.unit.evaluation.studies import make_study
from tests.unit.studying.moving import moving_study


def content_of(study, learner):
    fitted = learner.fit(study.scored(), scale=study.scale, seed=0)
    return make_fitted_file(study, learner, fitted, judged=None, seed=0, command="backsight train", version="0")


def test_a_kernel_says_the_same_after_its_file(tmp_path):
    study = moving_study()
    content = content_of(study, KinematicLearner())
    write_fitted(tmp_path / "m", content)
    read = read_fitted(tmp_path / "m")
    np.testing.assert_array_equal(read.fitted.predict(study.clips), content.fitted.predict(study.clips))
    assert (read.scale, read.study, read.card) == (study.scale, content.study, content.card)
    assert np.isnan(read.half_width)
    assert fitted_to_bytes(content) == (tmp_path / "m").read_bytes()


def test_networks_say_the_same_after_their_file(tmp_path):
    from backsight.training.neural import NeuralConfig, NeuralLearner
    from backsight.training.neural_features import FeatureRecipe
    from backsight.training.neural_fit import FitConfig

    study = moving_study()
    config = NeuralConfig(
        features=FeatureRecipe(n_frames=8), embedding_size=4, hidden_size=4, n_members=2, fit=FitConfig(n_epochs=1)
    )
    content = content_of(study, NeuralLearner(config))
    write_fitted(tmp_path / "m", content)
    np.testing.assert_array_equal(
        read_fitted(tmp_path / "m").fitted.predict(study.clips), content.fitted.predict(study.clips)
    )


def test_trees_as_arrays_say_what_scikit_learn_says():
    from sklearn.ensemble import ExtraTreesRegressor

    rng = np.random.default_rng(0)
    columns, target = rng.normal(size=(60, 5)), rng.normal(size=60)
    forest = ExtraTreesRegressor(20, min_samples_leaf=2, random_state=0).fit(columns, target)
    asked = rng.normal(size=(200, 5))
    np.testing.assert_allclose(ForestArrays.of(forest).predict(asked), forest.predict(asked), atol=1e-12)


def test_what_needs_pickle_is_refused_by_name():
    study = make_study()
    with pytest.raises(InvalidValueError, match=r"learner duration cannot be written: .*needs pickle; choose one"):
        fitted_to_bytes(content_of(study, Duration()))


@pytest.mark.parametrize(
    "name", ["builtins:dict", "os:system", "backsight.cli.main:run", "backsight.training.runs:Path"]
)
def test_no_file_makes_anything_but_dataclasses_of_the_learning_packages(tmp_path, name):
    path = tmp_path / "m"
    write_fitted(path, content_of(moving_study(), KinematicLearner()))
    with zipfile.ZipFile(path) as archive:
        members = {entry: archive.read(entry) for entry in archive.namelist()}
    manifest = json.loads(members["fitted.json"])
    manifest["fitted"]["class"] = name
    with zipfile.ZipFile(path, "w") as archive:
        for entry, packed in (members | {"fitted.json": json.dumps(manifest).encode()}).items():
            archive.writestr(entry, packed)
    with pytest.raises(CheckpointError, match="put together otherwise"):
        read_fitted(path)


def test_a_file_keeps_what_found_the_landmarks_and_its_card_says_so(tmp_path):
    study = moving_study()
    found = [FoundBy("full", "openvino")] * (len(study.clips) - 1) + [FoundBy("lite")]
    clips = tuple(replace(clip, found_by=one) for clip, one in zip(study.clips, found, strict=True))
    write_fitted(tmp_path / "m", content_of(replace(study, clips=clips), KinematicLearner()))
    read = read_fitted(tmp_path / "m")
    assert read.study.found_by == ((FoundBy("full", "openvino"), 23), (FoundBy("lite"), 1))
    assert "landmarks were found by BlazePose full on openvino (23 clips), BlazePose lite (1 clip)." in read.card


def test_files_from_before_there_was_any_such_thing_do_not_know_it(tmp_path):
    path = tmp_path / "m"
    write_fitted(path, content_of(moving_study(), KinematicLearner()))
    with zipfile.ZipFile(path) as archive:
        members = {entry: archive.read(entry) for entry in archive.namelist()}
    manifest = json.loads(members["fitted.json"])
    del manifest["study"]["fields"]["found_by"]
    for version in (1, 3):
        with zipfile.ZipFile(path, "w") as archive:
            told = json.dumps(manifest | {"format_version": version}).encode()
            for entry, packed in (members | {"fitted.json": told}).items():
                archive.writestr(entry, packed)
        if version == 1:
            assert read_fitted(path).study.found_by == ()
    for read in (read_fitted, read_study_facts):
        with pytest.raises(CheckpointError, match="m: made for format 3, this Backsight reads 1 and 2; train it again"):
            read(path)


def rewrite(path, change):
    """Write the file anew with a part of its manifest, and without its arrays' bytes."""
    with zipfile.ZipFile(path) as archive:
        members = {entry: archive.read(entry) for entry in archive.namelist()}
    manifest = json.loads(members["fitted.json"]) | change
    with zipfile.ZipFile(path, "w") as archive:
        for entry, packed in (members | {"arrays.safetensors": b"", "fitted.json": json.dumps(manifest)}).items():
            archive.writestr(entry, packed)


def test_what_a_file_tells_of_its_study_is_read_without_its_learner(tmp_path):
    path = tmp_path / "m"
    content = content_of(moving_study(), KinematicLearner())
    write_fitted(path, content)
    rewrite(path, {"fitted": "of another kind"})
    assert read_study_facts(path) == content.study
    with pytest.raises(CheckpointError, match=r"arrays\.safetensors does not match its checksum"):
        read_fitted(path)


@pytest.mark.parametrize(
    "study",
    [
        None,
        {"class": "os:system", "fields": {}},
        {"class": "backsight.domain.study:FoundBy", "fields": {}},
        {"array": "0"},
    ],
)
def test_a_file_that_tells_nothing_of_its_study_is_none(study, tmp_path):
    path = tmp_path / "m"
    write_fitted(path, content_of(moving_study(), KinematicLearner()))
    rewrite(path, {"study": study})
    with pytest.raises(CheckpointError, match="put together otherwise"):
        read_study_facts(path)


@pytest.mark.parametrize("damage", [lambda packed: b"", lambda packed: b"subject,score\n", lambda packed: packed[:-50]])
def test_other_and_damaged_files_are_told_in_a_line(tmp_path, damage):
    path = tmp_path / "m"
    path.write_bytes(damage(fitted_to_bytes(content_of(moving_study(), KinematicLearner()))))
    for read in (read_fitted, read_study_facts):
        with pytest.raises(CheckpointError, match=r"m: expected a file that `backsight train STUDY` wrote"):
            read(path)


def test_nobody_is_named_in_the_file(tmp_path):
    study = moving_study()
    packed = fitted_to_bytes(content_of(study, KinematicLearner()))
    (tmp_path / "m").write_bytes(packed)
    with zipfile.ZipFile(tmp_path / "m") as archive:
        text = archive.read("fitted.json").decode() + archive.read("MODEL_CARD.md").decode()
    assert [who for who in study.subjects if who in text] == []


def test_files_of_the_same_people_know_them_by_other_names(tmp_path):
    study, learner = moving_study(), KinematicLearner()
    one, other = (describe_people(study) for _ in range(2))
    assert not set(one.people) & set(other.people)
    assert {keyed_digest(who, key=one.people_key) for who in study.subjects} == set(one.people)
    # A table of digests that was made beforehand helps nobody.
    assert pseudonym("Volunteer-00") not in one.people
    fitted = learner.fit(study.scored(), scale=study.scale, seed=0)
    content = make_fitted_file(study, learner, fitted, judged=None, seed=0, command="", version="0")
    write_fitted(tmp_path / "m", content)
    assert judge_strangers(read_fitted(tmp_path / "m"), moving_study(4, first=20), n_draws=5).warning == ""
    assert read_fitted(tmp_path / "m").study.people_key == content.study.people_key != ""


def test_a_file_from_before_there_was_a_key_knows_its_people_still():
    assert keyed_digest("Volunteer-00", key="") == pseudonym("Volunteer-00")
