"""The network to one int8 ONNX graph, and the way back from the graph to the network.

Every matrix becomes int8 with a scale for each `BLOCK` numbers of an output column (per row for the embeddings), so
that reading the numbers back and exporting again gives the same numbers. Activations stay float32 between matrices and
take a scale per block of a token too: what a post is told never depends on its neighbours in a batch, but for rounding.
The manifest keeps the way back: which parameter is in which tensor of the graph.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from torch import Tensor, nn
from torch.export import Dim

from training.network import Network

WAY_BACK = dict[str, dict[str, Any]]
INT8_SUFFIX, SCALE_SUFFIX = "_Q8", "_scales"
BLOCK = 128
ZERO = 128
"""What stands for 0 in a block's unsigned bytes."""
INT8_COMPUTE = 4  # onnxruntime's "accuracy level": products in int8, sums in int32, scales in float32


class Int8Embedding(nn.Module):
    """An embedding table in int8 with a scale per row (token): exact where a per-table scale is coarse."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        scale = table.abs().amax(-1, keepdim=True).clamp(min=1e-8) / 127
        self.int8_table = nn.Buffer((table / scale).round().to(torch.int8))
        self.int8_scale = nn.Buffer(scale)

    def forward(self, ids: Tensor) -> Tensor:
        """Look rows up and scale them: (posts, tokens) to (posts, tokens, width)."""
        return self.int8_table[ids].float() * self.int8_scale[ids]


def export_float(network: Network, path: Path) -> None:
    """Write the float32 graph: `input_ids`, `attention_mask` in; `intent_logits`, `term_logits` out."""
    shape = {0: Dim("posts"), 1: Dim("tokens")}
    ids = torch.randint(5, 100, (2, 16))
    attention_log = logging.getLogger("torch.onnx")
    level = attention_log.level
    attention_log.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        torch.onnx.export(
            network.eval(),
            (ids, torch.ones_like(ids)),
            str(path),
            dynamo=True,
            external_data=False,
            verbose=False,
            input_names=["input_ids", "attention_mask"],
            output_names=["intent_logits", "term_logits"],
            dynamic_shapes={"input_ids": shape, "attention_mask": shape},
        )
    attention_log.setLevel(level)


def export_int8(network: Network, path: Path) -> WAY_BACK:
    """Write the int8 graph and give the way back from its tensors to the network's parameters."""
    embeddings = network.encoder.get_input_embeddings()
    table = embeddings.get_parameter("weight").detach().clone()
    network.encoder.set_input_embeddings(Int8Embedding(table))
    try:
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "float.onnx"
            export_float(network, plain)
            graph = onnx.load(plain)
            way_back = _way_back(network, graph)
            _quantise(graph, path)
    finally:
        network.encoder.set_input_embeddings(embeddings)
    _name_quantised(way_back, onnx.load(path))
    return way_back


def _quantise(graph: onnx.ModelProto, path: Path) -> None:
    logging.getLogger("onnxruntime.quantization").setLevel(logging.ERROR)  # it names every node
    quantizer = MatMulNBitsQuantizer(
        graph,
        bits=8,
        block_size=BLOCK,
        is_symmetric=True,
        accuracy_level=INT8_COMPUTE,
        op_types_to_quantize=("MatMul",),
    )
    quantizer.process()
    onnx.save(quantizer.model.model, path)


def _way_back(network: Network, graph: onnx.ModelProto) -> WAY_BACK:
    """Find the tensor that holds each parameter or buffer, by value: the exporter folds and renames them."""
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.graph.initializer}
    by_shape: dict[tuple[int, ...], list[str]] = {}
    for name, values in tensors.items():
        by_shape.setdefault(values.shape, []).append(name)
    found: WAY_BACK = {}
    table = [(name, value) for name, value in network.named_buffers() if ".int8_" in name]
    for parameter, value in [*network.named_parameters(), *table]:
        values = value.detach().cpu().numpy()
        for transposed in (False, True):
            wanted = values.T if transposed else values
            same = (name for name in by_shape.get(wanted.shape, ()) if np.array_equal(tensors[name], wanted))
            if name := next(same, None):
                found[parameter] = {"tensor": name, "transposed": transposed}
                break
        else:
            raise RuntimeError(f"export: no tensor of the graph holds {parameter} {values.shape}")
    return found


def _name_quantised(way_back: WAY_BACK, graph: onnx.ModelProto) -> None:
    """Point entries at the int8 tensor and its scale where quantisation replaced the float one."""
    names = {tensor.name for tensor in graph.graph.initializer}
    rows = {
        node.input[1]: next(each.i for each in node.attribute if each.name == "K")
        for node in graph.graph.node
        if node.op_type == "MatMulNBits"
    }
    for parameter, entry in way_back.items():
        if entry["tensor"] in names:
            continue
        entry["scale"] = entry["tensor"] + SCALE_SUFFIX
        entry["tensor"] += INT8_SUFFIX
        entry["rows"] = rows.get(entry["tensor"])
        if not {entry["tensor"], entry["scale"]} <= names:
            raise RuntimeError(f"export: {parameter} vanished from the int8 graph")


def read_weights(graph: Path, way_back: Mapping[str, Mapping[str, Any]]) -> dict[str, Tensor]:
    """Read a graph's tensors back as parameters in float32."""
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(graph).graph.initializer}
    state = {}
    for parameter, entry in way_back.items():
        missing = {entry["tensor"], entry.get("scale", entry["tensor"])} - set(tensors)
        if missing:
            raise ValueError(f"{graph}: no tensor {', '.join(missing)}, wanted for {parameter}")
        values: NDArray[Any] = tensors[entry["tensor"]]
        if "rows" in entry:
            values = from_blocks(values, tensors[entry["scale"]], entry["rows"])
        elif "scale" in entry:  # a release of before: signed, a scale per column
            values = values.astype(np.float32) * tensors[entry["scale"]].astype(np.float32)
        state[parameter] = torch.from_numpy((values.T if entry["transposed"] else values).copy())
    return state


def from_blocks(values: NDArray[Any], scales: NDArray[Any], rows: int) -> NDArray[np.float32]:
    """Give a matrix (rows, columns) of its bytes (columns, blocks, BLOCK) and scales (columns, blocks)."""
    scaled = (values.astype(np.float32) - ZERO) * scales.reshape(*values.shape[:2], 1)
    return np.ascontiguousarray(scaled.reshape(len(values), -1)[:, :rows].T)


def restore(graph: Path, way_back: Mapping[str, Mapping[str, Any]], encoder: Mapping[str, Any]) -> Network:
    """Build the network of an exported graph again, in float32, ready to train on."""
    network = Network.from_config(dict(encoder))
    state = read_weights(graph, way_back)
    for name in [name for name in state if name.endswith(".int8_table")]:
        scale = state.pop(name.replace("int8_table", "int8_scale"))
        state[name.replace("int8_table", "weight")] = state.pop(name).float() * scale
    missing, unexpected = network.load_state_dict(state, strict=False)
    unmapped = sorted(set(missing) & {name for name, _ in network.named_parameters()})
    if unmapped or unexpected:
        raise ValueError(f"{graph}: parameters without a tensor {unmapped}, tensors without a parameter {unexpected}")
    return network
