"""One door for every kind of study."""

import pytest

from backsight.datasets.open import open_study
from backsight.datasets.study import write_study
from backsight.errors import InputError
from tests.unit.datasets.packs import write_kimore, write_uiprmd
from tests.unit.datasets.test_extracted import SESSIONS, write_results
from tests.unit.datasets.test_study import make_study


def test_a_manifest_its_folder_and_a_data_set_open(tmp_path):
    manifest = write_study(make_study(), tmp_path / "out")
    for source in (manifest, manifest.parent):
        assert [clip.exercise for clip in open_study(str(source)).clips] == ["squat", "walk"]
    assert open_study(str(write_kimore(tmp_path / "k")), data_set="kimore").name == "kimore"
    assert open_study(str(write_uiprmd(tmp_path / "u")), data_set="uiprmd").name == "uiprmd"


def test_an_extracted_folder_opens_with_its_ratings_or_serves_a_manifest(tmp_path):
    folder = write_results(tmp_path / "out", *SESSIONS)
    (tmp_path / "r.csv").write_text("subject,exercise,session,rating\nA,walk,1,80\n")
    assert [clip.is_scored for clip in open_study(str(folder), ratings=tmp_path / "r.csv").clips] == [
        True,
        False,
        False,
    ]
    (tmp_path / "m.csv").write_text("subject,exercise,recording,rating\nA,walk,videos/a2.mp4,80\n")
    (clip,) = open_study(str(tmp_path / "m.csv"), landmarks=folder).clips
    assert clip.pose.world_m[0, 0, 0] == 1.0


def test_what_is_no_study_is_one_message(tmp_path):
    with pytest.raises(InputError, match="found nothing there"):
        open_study(str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"--data-set: kimore, uiprmd, keraal, virtual"):
        open_study(str(tmp_path))
    with pytest.raises(InputError, match="data set kimona: expected kimore, uiprmd, keraal, virtual"):
        open_study(str(tmp_path), data_set="kimona")
    with pytest.raises(InputError, match=r"expected filmed recordings"):
        open_study(str(tmp_path), data_set="virtual")


def test_whose_landmarks_is_asked_of_virtual_volunteers_only(tmp_path):
    folder = write_kimore(tmp_path / "k")
    with pytest.raises(InputError, match="--pose-model lite: goes with films of virtual volunteers; what found"):
        open_study(str(folder), data_set="kimore", pose_model="lite")
