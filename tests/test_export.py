from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from models.calibration import IS_ADVERT
from models.detector import Detector
from models.policy import load_policy
from models.release import CALIBRATION, GRAPH, POLICY, TOKENIZER, Release, load_calibration
from models.scorer import Scorer
from models.verdict import Intent, Post
from training.cards import NOT_ADVERT
from training.corpus import Row
from training.export import export_float, export_int8, from_blocks, read_weights, restore
from training.network import Network
from training.parity import ParityError, check_parity

TABLE = "encoder.embeddings.word_embeddings.int8_table"
IDS = np.array([[0, *range(10, 20), 2], [0, *range(30, 36), 2, 1, 1, 1, 1]], dtype=np.int64)
FED = {"input_ids": IDS, "attention_mask": (IDS != 1).astype(np.int64)}
TEXTS = [
    "fresh batch landed clean gear ready 2-MMC dm for prices crypto only",
    "couriers wanted earn with parcels cash or coins write on signal",
    "this vendor never fails join the group ketamine escrow fine",
    "tomatoes grow well the library closes early coffee afterwards",
    "never use alone carry naloxone mephedrone photos will follow",
    "restock tonight rain all week",
    "zorple",
]


def run(graph: Path) -> list[Any]:
    return list(onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"]).run(None, FED))


@dataclass(frozen=True, slots=True)
class Again:
    """The tiny release restored, and exported again without a step of training."""

    network: Network
    graph: Path
    float_graph: Path
    way_back: dict[str, Any]


@pytest.fixture(scope="module")
def again(tiny_release: Release, tmp_path_factory: pytest.TempPathFactory) -> Again:
    folder = tmp_path_factory.mktemp("again")
    network = restore(
        tiny_release.path(GRAPH), tiny_release.manifest["weights"], tiny_release.manifest["encoder"]
    ).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    way_back = export_int8(network, folder / GRAPH)
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)  # an export leaves the network as it was
    export_float(network, folder / "float.onnx")
    return Again(network, folder / GRAPH, folder / "float.onnx", way_back)


def test_exported_restored_and_exported_again_a_graph_says_exactly_the_same(
    tiny_release: Release, again: Again
) -> None:
    for first, second in zip(run(tiny_release.path(GRAPH)), run(again.graph), strict=True):
        assert np.array_equal(first, second)


def test_the_way_back_leads_to_the_same_numbers_again(tiny_release: Release, again: Again) -> None:
    first = read_weights(tiny_release.path(GRAPH), tiny_release.manifest["weights"])
    second = read_weights(again.graph, again.way_back)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_every_parameter_of_the_network_has_a_way_back(again: Again) -> None:
    wanted = {name for name, _ in again.network.named_parameters()}
    found = set(again.way_back)
    assert {name.replace(".int8_table", ".weight") for name in found if not name.endswith(".int8_scale")} == wanted


def test_the_int8_graph_is_close_to_the_network_and_its_matrices_are_bytes(again: Again) -> None:
    with torch.no_grad():
        ids = torch.from_numpy(IDS)
        network = [each.numpy() for each in again.network(ids, (ids != 1).long())]
    real = FED["attention_mask"] == 1
    for said, plain, small in zip(network, run(again.float_graph), run(again.graph), strict=True):
        kept = real if said.ndim == 3 else ...
        assert np.allclose(plain[kept], said[kept], atol=1e-3)
        assert np.abs(small[kept] - said[kept]).max() < 0.1 * max(1.0, np.abs(said[kept]).max())
    tensors = {tensor.name: tensor.data_type for tensor in onnx.load(again.graph).graph.initializer}
    linear = {f"{name}.weight" for name, module in again.network.named_modules() if isinstance(module, nn.Linear)}
    assert all(tensors[again.way_back[name]["tensor"]] == onnx.TensorProto.UINT8 for name in linear)
    assert tensors[again.way_back[TABLE]["tensor"]] == onnx.TensorProto.INT8


def test_what_a_post_is_told_does_not_depend_on_its_neighbours(again: Again) -> None:
    session = onnxruntime.InferenceSession(str(again.graph), providers=["CPUExecutionProvider"])
    together = session.run(None, FED)
    for place in range(len(IDS)):
        alone = session.run(None, {name: values[place : place + 1] for name, values in FED.items()})
        assert np.abs(alone[0][0] - together[0][place]).max() < 0.05


def test_blocks_are_read_as_the_graph_reads_them() -> None:
    values = np.zeros((2, 2, 128), dtype=np.uint8) + 128
    values[0, 0, 0], values[1, 1, 1] = 130, 0
    found = from_blocks(values, np.array([0.5, 1, 1, 0.25], dtype=np.float32), rows=130)
    assert found.shape == (130, 2)
    assert (found[0, 0], found[129, 1]) == (1.0, -32.0)
    assert np.count_nonzero(found) == 2


def test_loaded_and_exported_without_a_step_no_probability_moves_by_a_hundredth(
    tiny_release: Release, tiny_detector: Detector, again: Again, tmp_path: Path
) -> None:
    for name in (TOKENIZER, CALIBRATION, POLICY):
        shutil.copy(tiny_release.path(name), tmp_path / name)
    second = Detector(
        Scorer(again.graph, tmp_path / TOKENIZER, threads=1),
        tiny_detector.lexicon,
        load_calibration(tiny_release),
        load_policy(tmp_path / POLICY),
        "again",
    )
    posts = [Post(text, text) for text in TEXTS]
    for before, after in zip(tiny_detector(posts), second(posts), strict=True):
        assert after.advert_probability == pytest.approx(before.advert_probability, abs=0.01)
        assert after.intents == pytest.approx(before.intents, abs=0.01)
        assert after.decision == before.decision


def test_batch_and_length_are_free(again: Again) -> None:
    session = onnxruntime.InferenceSession(str(again.graph), providers=["CPUExecutionProvider"])
    for posts, tokens in ((1, 2), (5, 3), (2, 48)):
        ids = np.full((posts, tokens), 20, dtype=np.int64)
        intent, term = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        assert (intent.shape, term.shape) == ((posts, 8), (posts, tokens, 2))


def test_a_graph_is_one_file(again: Again) -> None:
    assert sorted(path.name for path in again.graph.parent.iterdir()) == ["float.onnx", GRAPH]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"intent_head.weight": {"tensor": "nowhere", "transposed": False}},
            "no tensor nowhere, wanted for intent_head.weight",
        ),
        ({"extra.weight": {"tensor": None, "transposed": False}}, "tensors without a parameter"),
        ({"intent_head.bias": None}, "parameters without a tensor"),
    ],
)
def test_a_manifest_that_does_not_fit_the_graph_is_refused(
    tiny_release: Release, change: dict[str, Any], said: str
) -> None:
    way_back = dict(tiny_release.manifest["weights"])
    for name, entry in change.items():
        if entry is None:
            way_back.pop(name)
        else:
            way_back[name] = {**entry, "tensor": entry["tensor"] or way_back["intent_head.bias"]["tensor"]}
    with pytest.raises(ValueError, match=said):
        restore(tiny_release.path(GRAPH), way_back, tiny_release.manifest["encoder"])


ROWS = [Row(text, text, frozenset({Intent.SELL}) if n < 3 else NOT_ADVERT, "s") for n, text in enumerate(TEXTS)]


def test_parity_counts_what_changed(tiny_release: Release, tiny_detector: Detector, again: Again) -> None:
    plain = Scorer(again.float_graph, tiny_release.path(TOKENIZER), threads=1)
    detect = tiny_detector
    figures = check_parity(ROWS[:5], plain, detect.scorer, calibration=detect.calibration, policy=detect.policy)
    assert (figures["rows"], figures["adverts"], figures["flagged"]) == (5, 3, 3)
    assert figures["decisions_changed"] == 0
    assert figures["change_p95"] <= figures["change_max"] < 0.05


def test_a_graph_that_strays_is_refused_with_the_figures(
    tiny_release: Release, tiny_detector: Detector, tiny_backbone: Path, tmp_path: Path
) -> None:
    stranger = onnx.load(tiny_release.path(GRAPH))
    bias = next(
        each
        for each in stranger.graph.initializer
        if each.name == tiny_release.manifest["weights"]["intent_head.bias"]["tensor"]
    )
    values = onnx.numpy_helper.to_array(bias) + 20 * np.where(IS_ADVERT, 1, 0).astype(np.float32)
    bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))
    onnx.save(stranger, tmp_path / GRAPH)
    scorer = Scorer(tmp_path / GRAPH, tiny_release.path(TOKENIZER), threads=1)
    with pytest.raises(
        ParityError, match=r"int8 strays from float32: .*'decisions_changed': [1-9].* wanted p95 <= 0.05"
    ):
        check_parity(
            ROWS, tiny_detector.scorer, scorer, calibration=tiny_detector.calibration, policy=tiny_detector.policy
        )
