"""Small untrained networks for the tests of this folder."""

from __future__ import annotations

import numpy as np
import torch

from backsight.domain.assessment import ModelCard
from backsight.domain.recording import Exercise
from backsight.domain.sequences import FeatureSequence, MinMaxScaler
from backsight.network.checkpoint import Checkpoint, TrainingRecord
from backsight.network.config import LstmConfig
from backsight.network.export import export_onnx
from backsight.network.lstm import SpineLstm, weights_to_bytes

NAMES = ("trunk_flexion_deg", "nose_x", "nose_y", "nose_z", "nose_visibility", "nose_presence")
HEADLINE = "Not trained at all."


def make_network(config: LstmConfig, *, seed: int = 0) -> SpineLstm:
    torch.manual_seed(seed)
    network = SpineLstm(config)
    network.start_at(0.4)
    return network.eval()


def make_checkpoint(
    network: SpineLstm | None = None,
    *,
    names: tuple[str, ...] = NAMES,
    minimum: float = -1.0,
    maximum: float = 1.0,
    metrics: dict[str, float] | None = None,
) -> Checkpoint:
    if network is None:
        network = make_network(LstmConfig(n_features=len(names), embedding_size=8, hidden_size=8, dense_size=5))
    n_features = len(names)
    return Checkpoint(
        config=network.config,
        onnx=export_onnx(network),
        weights=weights_to_bytes(network),
        scaler=MinMaxScaler(
            minimum=np.full(n_features, minimum), maximum=np.full(n_features, maximum), fill=np.full(n_features, 0.5)
        ),
        feature_names=names,
        training=TrainingRecord(
            data="nothing",
            rating_provenance="nobody",
            exercises=(Exercise.WALK, Exercise.JUMP),
            n_subjects=0,
            seed=0,
            command="none",
        ),
        metrics={"mae": 0.125, "auc": float("nan")} if metrics is None else metrics,
        card=ModelCard(
            name="test",
            version="1",
            headline=HEADLINE,
            training_data="nothing",
            interval_half_width=0.25,
            text=f"{HEADLINE}\n\nThe rest.\n",
        ),
    )


def make_features(values: np.ndarray, *, names: tuple[str, ...] = NAMES) -> FeatureSequence:
    return FeatureSequence(values=values, names=names, timestamps_s=np.arange(len(values)) / 30.0)
