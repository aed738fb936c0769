"""Write a trained `SpineLstm` as an ONNX graph that serves whole sequences and single frames alike.

The graph is put together by hand: PyTorch 2.13's own exporter bakes the number of frames into the output's shape,
spends 20 s and warns of its own internals, where six kinds of node say the same and come out identical every time.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from backsight.network.config import LstmConfig
from backsight.network.lstm import SpineLstm

OPSET = 17
"""Old enough for every ONNX Runtime that supports Python 3.11, new enough for LSTM in its present form."""

IR_VERSION = 8
"""The file format that belongs to opset 17."""


def export_onnx(network: SpineLstm) -> bytes:
    """Return the network as an ONNX model.

    Its inputs are `scaled` (n_frames, n_features), `hidden` and `cell` (n_layers, 1, hidden_size); its outputs are
    `raw` (n_frames,), `hidden_out` and `cell_out`. The same network gives the same bytes.
    """
    config = network.config
    weights = {name: value.detach().numpy().astype(np.float32) for name, value in network.state_dict().items()}
    constants = {
        "embedding.weight": weights["embedding.weight"].T,
        "embedding.bias": weights["embedding.bias"],
        "dense.weight": weights["dense.weight"].T,
        "dense.bias": weights["dense.bias"],
        "neuron.weight": weights["neuron.weight"].T,
        "neuron.bias": weights["neuron.bias"],
    }
    nodes = [
        helper.make_node("Gemm", ["scaled", "embedding.weight", "embedding.bias"], ["embedded"]),
        helper.make_node("Unsqueeze", ["embedded", "one_person"], ["layer_0"]),  # (n_frames, 1, embedding_size)
    ]
    constants["one_person"] = np.array([1], dtype=np.int64)
    for layer in range(config.n_layers):
        layer_nodes, layer_constants = _lstm_layer(layer, weights, config)
        nodes += layer_nodes
        constants |= layer_constants
    nodes += [
        helper.make_node("Concat", [f"hidden_out_{layer}" for layer in range(config.n_layers)], ["hidden_out"], axis=0),
        helper.make_node("Concat", [f"cell_out_{layer}" for layer in range(config.n_layers)], ["cell_out"], axis=0),
        helper.make_node("Squeeze", [f"layer_{config.n_layers}", "one_person"], ["remembered"]),
        helper.make_node("Gemm", ["remembered", "dense.weight", "dense.bias"], ["dense_in"]),
        helper.make_node("LeakyRelu", ["dense_in"], ["dense_out"], alpha=config.negative_slope),
        helper.make_node("Gemm", ["dense_out", "neuron.weight", "neuron.bias"], ["neuron_in"]),
        helper.make_node("LeakyRelu", ["neuron_in"], ["neuron_out"], alpha=config.negative_slope),
        helper.make_node("Squeeze", ["neuron_out", "one_person"], ["raw"]),
    ]
    return _assemble(nodes, constants, config)


def _lstm_layer(
    layer: int, weights: dict[str, NDArray[np.float32]], config: LstmConfig
) -> tuple[list[onnx.NodeProto], dict[str, NDArray[np.generic]]]:
    """Return one LSTM block: it reads `layer_N` and its rows of the state, and writes `layer_N+1`."""
    input_bias = _reorder_gates(weights[f"lstm.bias_ih_l{layer}"])
    hidden_bias = _reorder_gates(weights[f"lstm.bias_hh_l{layer}"])
    constants: dict[str, NDArray[np.generic]] = {
        f"lstm.W_{layer}": _reorder_gates(weights[f"lstm.weight_ih_l{layer}"])[np.newaxis],
        f"lstm.R_{layer}": _reorder_gates(weights[f"lstm.weight_hh_l{layer}"])[np.newaxis],
        f"lstm.B_{layer}": np.concatenate([input_bias, hidden_bias])[np.newaxis],
        f"row_{layer}": np.array([layer], dtype=np.int64),
    }
    block_inputs = [f"layer_{layer}", *(f"lstm.{part}_{layer}" for part in "WRB"), ""]
    state = [f"hidden_in_{layer}", f"cell_in_{layer}"]
    block_outputs = [f"directions_{layer}", f"hidden_out_{layer}", f"cell_out_{layer}"]
    nodes = [
        helper.make_node("Gather", ["hidden", f"row_{layer}"], [state[0]], axis=0),
        helper.make_node("Gather", ["cell", f"row_{layer}"], [state[1]], axis=0),
        helper.make_node("LSTM", block_inputs + state, block_outputs, hidden_size=config.hidden_size),
        # (n_frames, 1 direction, 1, hidden_size) -> (n_frames, 1, hidden_size)
        helper.make_node("Squeeze", [f"directions_{layer}", "one_person"], [f"layer_{layer + 1}"]),
    ]
    return nodes, constants


def _reorder_gates(stacked: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn PyTorch's order of the gates (input, forget, cell, output) into ONNX's (input, output, forget, cell)."""
    gate_in, gate_forget, gate_cell, gate_out = np.split(stacked, 4, axis=0)
    return np.concatenate([gate_in, gate_out, gate_forget, gate_cell], axis=0)


def _assemble(nodes: list[onnx.NodeProto], constants: dict[str, NDArray[np.generic]], config: LstmConfig) -> bytes:
    state_shape = [config.n_layers, 1, config.hidden_size]

    def tensor(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "SpineLstm",
        inputs=[
            tensor("scaled", ["n_frames", config.n_features]),
            tensor("hidden", list(state_shape)),
            tensor("cell", list(state_shape)),
        ],
        outputs=[
            tensor("raw", ["n_frames"]),
            tensor("hidden_out", list(state_shape)),
            tensor("cell_out", list(state_shape)),
        ],
        initializer=[numpy_helper.from_array(np.ascontiguousarray(values), name) for name, values in constants.items()],
    )
    model = helper.make_model(
        graph, producer_name="backsight", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))
