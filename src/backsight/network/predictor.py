"""Run a checkpoint on features, whole or frame by frame. The only door to ONNX Runtime; knows nothing of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backsight.domain.assessment import Explanation, IndexCurve, ModelCard
from backsight.domain.movement import JudgedMovement, Movement
from backsight.domain.sequences import FeatureSequence
from backsight.domain.validation import FloatArray
from backsight.errors import CheckpointError, InvalidValueError
from backsight.network.checkpoint import Checkpoint, first_difference
from backsight.network.occlusion import explain_by_occlusion

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_State = tuple[NDArray[np.float32], NDArray[np.float32]]
"""(hidden, cell), each of shape (n_layers, 1, hidden_size)."""

CONFIDENCE_SUFFIXES = ("_visibility", "_presence")
"""Columns that say how sure BlazePose is: known even where nobody is seen, so no evidence of a person."""


class OnnxPredictor:
    """A `ports.IndexPredictor` that runs a checkpoint with ONNX Runtime.

    Parameters
    ----------
    checkpoint
        A network with its scaler and card.
    n_threads
        CPU threads of one prediction.

    Raises
    ------
    CheckpointError
        When ONNX Runtime cannot load the network, or its inputs do not have the sizes that the checkpoint names.
    """

    def __init__(self, checkpoint: Checkpoint, *, n_threads: int = 1) -> None:
        if n_threads < 1:
            raise InvalidValueError(f"`n_threads` must be at least 1, got {n_threads}")
        self._checkpoint = checkpoint
        self._network = _Network(checkpoint, n_threads=n_threads)
        self._evidence = np.array(
            [column for column, name in enumerate(checkpoint.feature_names) if not name.endswith(CONFIDENCE_SUFFIXES)],
            dtype=np.intp,
        )

    @property
    def card(self) -> ModelCard:
        """Where the model comes from."""
        return self._checkpoint.card

    def judge(self, movement: Movement) -> JudgedMovement:
        """Return the index of a whole recording, what moved it, and how unlike the training recordings it is."""
        features = movement.features
        curve = self.predict(features)
        return JudgedMovement(curve, self.unfamiliar_share(features), self.explain(features, curve=curve))

    def explain(self, features: FeatureSequence, *, curve: IndexCurve) -> Explanation:
        """Return which parts of a recording moved its index.

        Parameters
        ----------
        curve
            What `predict` says of the features.
        """
        return explain_by_occlusion(
            lambda values: float(self._network.run(values, self._network.start())[0][-1]),
            features,
            final=float(curve.raw[-1]),
            evidence=self._evidence,
        )

    def predict(self, features: FeatureSequence) -> IndexCurve:
        """Return the raw output after each frame.

        Raises
        ------
        InvalidValueError
            When the columns are not the network's, there is no frame, or no landmark was seen in any of them.
        """
        self._check(features)
        if not np.isfinite(features.values[:, self._evidence]).any():
            raise InvalidValueError(
                f"landmarks hold nothing but NaN in all {len(features.values)} frames: no person was seen well enough; "
                "record again with the whole body in frame and in good light"
            )
        raw, _ = self._network.run(features.values, self._network.start())
        return IndexCurve(timestamps_s=features.timestamps_s, raw=raw)

    def stream(self) -> OnnxStream:
        """Start a new person, frame by frame; the numbers are those of `predict`."""
        return OnnxStream(self._network)

    def unfamiliar_share(self, features: FeatureSequence) -> float:
        """Share of the known feature values that lie outside the range seen in training; NaN when none is known.

        Columns of visibility and presence are left out: they are bounded by 0 and 1 and known even where nobody is
        seen, so they would only dilute the share.
        """
        self._check(features)
        scaler = self._checkpoint.scaler
        known = np.isfinite(features.values)
        outside = known & ((features.values < scaler.minimum) | (features.values > scaler.maximum))
        n_known = int(known[:, self._evidence].sum())
        return float(outside[:, self._evidence].sum() / n_known) if n_known else float("nan")

    def _check(self, features: FeatureSequence) -> None:
        difference = first_difference(self._checkpoint.feature_names, features.names)
        if difference:
            raise InvalidValueError(f"features do not fit the network: {difference}")
        if not len(features.values):
            raise InvalidValueError("features must hold at least one frame, got none")


class OnnxStream:
    """A `ports.IndexStream`: carries the network's state from frame to frame."""

    def __init__(self, network: _Network) -> None:
        self._network = network
        self._state = network.start()

    def step(self, values: FloatArray) -> float:
        """Take one frame's features, shape (n_features,), NaN = missing; return the raw output so far.

        Raises
        ------
        InvalidValueError
            When the shape is another.
        """
        expected = (self._network.config.n_features,)
        if np.shape(values) != expected:
            raise InvalidValueError(f"`values` must have shape {expected}, got {np.shape(values)}")
        raw, self._state = self._network.run(values[np.newaxis], self._state)
        return float(raw[0])


class _Network:
    """The scaler and the ONNX graph behind it, as one function of frames and state."""

    def __init__(self, checkpoint: Checkpoint, *, n_threads: int) -> None:
        self.config = checkpoint.config
        self._scaler = checkpoint.scaler
        self._session = _open_session(checkpoint, n_threads=n_threads)

    def start(self) -> _State:
        """Return the state before the first frame."""
        empty = np.zeros((self.config.n_layers, 1, self.config.hidden_size), dtype=np.float32)
        return empty, empty

    def run(self, values: FloatArray, state: _State) -> tuple[FloatArray, _State]:
        """Run frames of shape (n_frames, n_features) on from `state`; return the raw outputs, shape (n_frames,)."""
        scaled = self._scaler.scale(values).astype(np.float32)
        raw, hidden, cell = self._session.run(
            ["raw", "hidden_out", "cell_out"], {"scaled": scaled, "hidden": state[0], "cell": state[1]}
        )
        return raw.astype(np.float64), (hidden, cell)


def _open_session(checkpoint: Checkpoint, *, n_threads: int) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    # Recordings differ in length: an arena would keep memory for the longest one for good.
    options.enable_cpu_mem_arena = False
    # Waiting threads that spin take the processor away from pose estimation.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(checkpoint.onnx, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no base class of their own
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(f"{checkpoint.card.name}: ONNX Runtime cannot load the network: {reason}") from error
    config = checkpoint.config
    state = [config.n_layers, 1, config.hidden_size]
    expected = {"scaled": ["n_frames", config.n_features], "hidden": state, "cell": state}
    got = {entry.name: list(entry.shape) for entry in session.get_inputs()}
    if got != expected:
        raise CheckpointError(f"{checkpoint.card.name}: model.onnx must take {expected}, got {got}")
    return session
