import numpy as np
import pytest

from backsight.benchmarks.bland_altman import check_drawable, draw_bland_altman, draw_plots, limits_of_agreement
from backsight.benchmarks.figures import Plot
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


def test_a_folder_is_made_beforehand_or_refused(tmp_path):
    check_drawable(tmp_path / "new" / "plots")
    assert list((tmp_path / "new" / "plots").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a part of that path is a file"):
        check_drawable(tmp_path / "file" / "plots")


def test_each_page_is_a_file_of_its_name(tmp_path):
    panels = {"x": (np.array([1.0, 2.0]), np.array([1.5, 2.0]))}
    draw_plots(tmp_path, [Plot("first", "Title", panels, {"x": "cm"}), Plot("second", "Title", panels, {"x": "cm"})])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.svg", "second.svg"]
