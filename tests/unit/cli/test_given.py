"""What was typed, as others may read it."""

import pytest

from backsight.cli.given import command_for_others


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["benchmark", "kimore", "--folds", "3"], "backsight benchmark kimore --folds 3"),
        (["benchmark", "kimore", "--data", "/home/ann/kimore"], "backsight benchmark kimore --data kimore"),
        (["benchmark", "kimore", "--data=/home/ann/kimore/"], "backsight benchmark kimore --data=kimore"),
        (["benchmark", "road", "--clip", "a walk.mp4"], "backsight benchmark road --clip 'a walk.mp4'"),
        (
            ["benchmark", "study", "--json", "docs/figures/study.json"],
            "backsight benchmark study --json study.json",
        ),
        (["benchmark", "kimore", "--data", "patients/anna/kimore"], "backsight benchmark kimore --data kimore"),
        (["benchmark", "kimore", "--work=../berta/w"], "backsight benchmark kimore --work=w"),
        (["benchmark", "index", "--cohort", "~/carla/x"], "backsight benchmark index --cohort x"),
        (["benchmark", "live", "--clip", "rtsp://dora:secret@host/x"], "backsight benchmark live --clip x"),
        (["train", "C:\\Miller\\study.csv", "--out=/a/b/m.backsight"], "backsight train study.csv --out=m.backsight"),
        (["train", "s3://anna:secret@berta"], "backsight train berta"),
    ],
)
def test_a_command_is_told_as_it_was_typed_without_the_folders_of_paths(words, told):
    assert command_for_others(words) == told
