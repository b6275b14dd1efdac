from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from models.calibration import advert_log_odds
from models.release import GRAPH, TOKENIZER, Release
from models.scorer import Scorer
from training.corpus import load_corpus
from training.evaluation.records import read_file
from training.export import restore
from training.mine import log_odds, mine
from training.network import Network


def network_of(release: Release) -> tuple[Network, Tokenizer]:
    network = restore(release.path(GRAPH), release.manifest["weights"], release.manifest["encoder"])
    return network, Tokenizer.from_file(str(release.path(TOKENIZER)))


def test_the_network_reads_in_any_order_as_the_graph_does(tiny_release: Release, tiny_data: Path) -> None:
    texts = [row.text for row in load_corpus([str(tiny_data / "posts.jsonl")], cards=tiny_data, read=read_file).rows][
        :80
    ]
    network, tokenizer = network_of(tiny_release)
    said = log_odds(network, tokenizer, texts)
    graph = Scorer(tiny_release.path(GRAPH), tiny_release.path(TOKENIZER))
    wanted = advert_log_odds(np.array([reading.logits for reading in graph.read(texts)]))
    assert np.corrcoef(said, wanted)[0, 1] > 0.98
    assert np.allclose(log_odds(network, tokenizer, texts[::-1])[::-1], said, atol=0.1)


def test_the_likest_rows_are_mined_and_no_more(tiny_release: Release, tiny_data: Path) -> None:
    rows = load_corpus([str(tiny_data / "posts.jsonl")], cards=tiny_data, read=read_file).rows[:60]
    network, tokenizer = network_of(tiny_release)
    mined = mine(network, tokenizer, rows, 5)
    said = dict(zip([row.id for row in rows], log_odds(network, tokenizer, [row.text for row in rows]), strict=True))
    assert [row.id for row in mined] == sorted(said, key=lambda id_: -said[id_])[:5]
    assert mine(network, tokenizer, rows, 0) == []
    assert mine(network, tokenizer, [], 5) == []
