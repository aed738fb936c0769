import numpy as np
import pytest

from backsight.domain.sequences import FeatureSequence
from backsight.errors import InvalidValueError
from backsight.features.normalize import fit_min_max

NAN = np.nan


def sequence(rows, names=("a", "b", "c")):
    return FeatureSequence(values=np.array(rows, float), names=names, timestamps_s=np.arange(len(rows)) / 30.0)


def test_range_and_mean_come_from_all_recordings_and_ignore_missing_values():
    scaler = fit_min_max(iter([sequence([[1, NAN, 7], [3, NAN, 7]]), sequence([[NAN, NAN, NAN], [11, NAN, 7]])]))
    assert scaler.minimum == pytest.approx([1, 0, 7])
    assert scaler.maximum == pytest.approx([11, 1, 7])
    # Column a: mean 5 in a range of 1 to 11; b is never known; c never varies.
    assert scaler.fill == pytest.approx([0.4, 0.5, 0.0])


def test_a_missing_value_is_scaled_to_the_training_mean():
    scaler = fit_min_max([sequence([[0, 0, 0], [1, 4, 10]])])
    assert scaler.scale(np.array([[NAN, 1.0, NAN]])) == pytest.approx(np.array([[0.5, 0.25, 0.5]]))


def test_no_training_recording_is_refused():
    with pytest.raises(InvalidValueError, match="at least one training recording"):
        fit_min_max([])


def test_other_columns_are_refused():
    with pytest.raises(InvalidValueError, match="must all name the same columns"):
        fit_min_max([sequence([[1, 2, 3]]), sequence([[1, 2, 3]], names=("a", "b", "d"))])
