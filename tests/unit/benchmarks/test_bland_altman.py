import numpy as np
import pytest

from backsight.benchmarks.bland_altman import draw_bland_altman, limits_of_agreement
from backsight.errors import OutputError

matplotlib = pytest.importorskip("matplotlib", reason="plots are in the extra `simulate`")


def test_bias_and_limits_by_hand():
    # Differences 1, 2, 3: mean 2, standard deviation 1.
    assert limits_of_agreement(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0])) == pytest.approx((2.0, 1.96))


def test_the_same_figures_draw_the_same_file(tmp_path):
    pairs = {"side": (np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0])), "one": (np.array([1.0]), np.array([2.0]))}
    paths = [tmp_path / "new" / "a.svg", tmp_path / "new" / "b.svg"]
    for path in paths:
        draw_bland_altman(path, pairs, title="Title", unit={"side": "deg", "one": "cm"})
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes().startswith(b"<?xml")


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        draw_bland_altman(tmp_path / "file" / "a.svg", {"x": (np.ones(2), np.ones(2))}, title="", unit="deg")
