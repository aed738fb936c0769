"""ONNX against PyTorch, whole against streamed, and what the predictor refuses."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.random import default_rng

from backsight.domain.sequences import FeatureSequence
from backsight.errors import CheckpointError, InvalidValueError
from backsight.network.checkpoint import Checkpoint
from backsight.network.config import LstmConfig
from backsight.network.export import export_onnx
from backsight.network.lstm import SpineLstm
from backsight.network.predictor import OnnxPredictor

from .checkpoints import NAMES, make_checkpoint, make_features, make_network

PAPER_NAMES = tuple(f"feature_{column}" for column in range(193))


@pytest.fixture(scope="module")
def paper_network() -> SpineLstm:
    return make_network(LstmConfig(n_features=len(PAPER_NAMES)))


@pytest.fixture(scope="module")
def paper_checkpoint(paper_network: SpineLstm) -> Checkpoint:
    return make_checkpoint(paper_network, names=PAPER_NAMES)


def _random_features(n_frames: int, *, missing_share: float) -> FeatureSequence:
    rng = default_rng(n_frames)
    values = rng.normal(scale=1.5, size=(n_frames, len(PAPER_NAMES)))
    values[rng.random(values.shape) < missing_share] = np.nan
    return make_features(values, names=PAPER_NAMES)


def _torch_raw(network: SpineLstm, checkpoint: Checkpoint, features: FeatureSequence) -> np.ndarray:
    scaled = torch.from_numpy(checkpoint.scaler.scale(features.values).astype(np.float32))
    with torch.inference_mode():
        raw, _ = network(scaled[None])
    return raw[0].numpy()


@pytest.mark.parametrize("missing_share", [0.0, 0.3])
@pytest.mark.parametrize("n_frames", [1, 2, 150, 1800])
def test_whole_sequences_match_torch(
    paper_network: SpineLstm, paper_checkpoint: Checkpoint, n_frames: int, missing_share: float
) -> None:
    features = _random_features(n_frames, missing_share=missing_share)

    curve = OnnxPredictor(paper_checkpoint).predict(features)

    expected = _torch_raw(paper_network, paper_checkpoint, features)
    assert np.ptp(expected) > 1e-3 or n_frames == 1
    np.testing.assert_allclose(curve.raw, expected, atol=2e-6, rtol=0)
    np.testing.assert_array_equal(curve.timestamps_s, features.timestamps_s)


@pytest.mark.parametrize("missing_share", [0.0, 0.3])
def test_streamed_frames_match_torch(
    paper_network: SpineLstm, paper_checkpoint: Checkpoint, missing_share: float
) -> None:
    features = _random_features(200, missing_share=missing_share)

    stream = OnnxPredictor(paper_checkpoint).stream()
    streamed = [stream.step(frame) for frame in features.values]

    np.testing.assert_allclose(streamed, _torch_raw(paper_network, paper_checkpoint, features), atol=2e-6, rtol=0)


def test_other_depths_and_widths_match_torch_too() -> None:
    network = make_network(
        LstmConfig(n_features=6, embedding_size=7, hidden_size=9, n_layers=3, dense_size=4, negative_slope=0.2)
    )
    with torch.no_grad():  # below zero, where a wrong slope would show
        network.neuron.bias.fill_(-1.0)
    checkpoint = make_checkpoint(network)
    features = make_features(default_rng(0).normal(size=(50, 6)))

    raw = OnnxPredictor(checkpoint).predict(features).raw

    assert raw.max() < 0
    np.testing.assert_allclose(raw, _torch_raw(network, checkpoint, features), atol=2e-6, rtol=0)


def test_streams_do_not_share_their_state(paper_checkpoint: Checkpoint) -> None:
    predictor = OnnxPredictor(paper_checkpoint)
    frames = _random_features(30, missing_share=0.0).values
    one, other = predictor.stream(), predictor.stream()

    alone = [one.step(frame) for frame in frames]
    other.step(np.zeros(len(PAPER_NAMES)))
    fresh = predictor.stream()

    assert [fresh.step(frame) for frame in frames] == alone


def test_same_network_gives_the_same_onnx_bytes(paper_network: SpineLstm) -> None:
    assert export_onnx(paper_network) == export_onnx(paper_network)


def test_another_feature_name_is_refused_by_name() -> None:
    names = (*NAMES[:2], "nose_w", *NAMES[3:])

    with pytest.raises(InvalidValueError, match="column 2 expected `nose_y`, got `nose_w`"):
        OnnxPredictor(make_checkpoint()).predict(make_features(np.zeros((3, 6)), names=names))


def test_missing_columns_are_counted() -> None:
    with pytest.raises(InvalidValueError, match="expected 6 columns, got 4"):
        OnnxPredictor(make_checkpoint()).predict(make_features(np.zeros((3, 4)), names=NAMES[:4]))


def test_landmarks_of_nothing_but_nan_are_refused() -> None:
    values = np.full((10, len(NAMES)), np.nan)
    values[:, 4:] = 0.0  # visibility and presence are known to be zero where nobody is seen

    with pytest.raises(InvalidValueError, match="nothing but NaN in all 10 frames"):
        OnnxPredictor(make_checkpoint()).predict(make_features(values))


def test_one_known_landmark_value_is_enough_for_a_number() -> None:
    values = np.full((10, len(NAMES)), np.nan)
    values[3, 1] = 0.2

    assert np.isfinite(OnnxPredictor(make_checkpoint()).predict(make_features(values)).raw).all()


def test_no_frames_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="at least one frame"):
        OnnxPredictor(make_checkpoint()).predict(make_features(np.empty((0, len(NAMES)))))


def test_a_streamed_frame_of_another_width_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"shape \(6,\), got \(5,\)"):
        OnnxPredictor(make_checkpoint()).stream().step(np.zeros(5))


def test_unfamiliar_share_counts_known_movement_values_only() -> None:
    values = np.zeros((2, len(NAMES)))
    values[0, 0] = 1.5  # above the training maximum of 1
    values[1, 1] = -1.5  # below the training minimum of -1
    values[1, 2] = np.nan  # unknown: in neither count
    values[:, 4] = 7.0  # visibility: in neither count

    share = OnnxPredictor(make_checkpoint()).unfamiliar_share(make_features(values))

    assert share == pytest.approx(2 / 7)


def test_unfamiliar_share_of_nothing_known_is_nan() -> None:
    values = np.full((2, len(NAMES)), np.nan)
    values[:, 4:] = 0.0

    assert np.isnan(OnnxPredictor(make_checkpoint()).unfamiliar_share(make_features(values)))


def test_a_graph_of_other_sizes_is_refused() -> None:
    checkpoint = make_checkpoint()
    wider = make_network(LstmConfig(n_features=7, embedding_size=8, hidden_size=8, dense_size=5))

    with pytest.raises(CheckpointError, match=r"model.onnx must take .*6.*got.*7"):
        OnnxPredictor(replace(checkpoint, onnx=export_onnx(wider)))


def test_bytes_that_are_no_graph_are_refused() -> None:
    with pytest.raises(CheckpointError, match="cannot load the network"):
        OnnxPredictor(replace(make_checkpoint(), onnx=b"no graph"))


def test_importing_the_predictor_loads_no_engine() -> None:
    code = (
        "import sys, backsight.network.predictor as p\n"
        "print([name for name in ('torch', 'onnx', 'onnxruntime', 'safetensors') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_predicting_loads_no_torch(tmp_path) -> None:
    from backsight.network.checkpoint import save_checkpoint

    save_checkpoint(tmp_path / "c.backsight", make_checkpoint())
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from backsight.network.checkpoint import load_checkpoint\n"
        "from backsight.network.predictor import OnnxPredictor\n"
        f"OnnxPredictor(load_checkpoint(Path({str(tmp_path / 'c.backsight')!r}))).stream().step(np.zeros(6))\n"
        "print([name for name in ('torch', 'onnx', 'safetensors') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_time_of_the_paper(paper_checkpoint: Checkpoint) -> None:
    """The paper's 11 ms an iteration (section IV), on one thread; the best of many, as others share the machine."""
    predictor = OnnxPredictor(paper_checkpoint, n_threads=1)
    features = _random_features(150, missing_share=0.1)
    stream = predictor.stream()

    def best_ms(action) -> float:
        times = []
        for _ in range(30):
            start = time.perf_counter()
            action()
            times.append(time.perf_counter() - start)
        return 1000.0 * min(times)

    assert best_ms(lambda: predictor.predict(features)) <= 11.0
    assert best_ms(lambda: stream.step(features.values[0])) <= 0.5
