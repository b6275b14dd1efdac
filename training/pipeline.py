"""The recipe of a release: labelled rows in, a checked release folder out. Read it from top to bottom."""

from __future__ import annotations

import datetime
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from models import neardup
from models.detector import Detector
from models.lexicon import Lexicon
from models.policy import save_policy
from models.release import (
    BASELINE,
    CALIBRATION,
    CARD,
    GRAPH,
    LEXICON,
    POLICY,
    REPORT,
    SKETCH,
    TOKENIZER,
    Release,
    open_release,
    save_manifest,
)
from models.scorer import Scorer
from training.calibrate import calibrate, working_policy
from training.config import Config
from training.corpus import Corpus, Row, load_corpus
from training.evaluation.baselines import Baseline, fit_baseline
from training.evaluation.run import baseline_threshold, evaluate_rows, read_rows
from training.export import export_float, export_int8, restore
from training.labels import Labelled, label_rows
from training.model_card import model_card
from training.network import Network
from training.parity import check_parity, hard_rows
from training.readers import read_dataset
from training.splits import Splits, lookup, split
from training.trainer import is_main_process, train_once


@dataclass(frozen=True, slots=True)
class Start:
    """Where training starts from: a network, its tokenizer, and its name for the manifest."""

    network: Network
    tokenizer: Tokenizer
    name: str


def start_from_backbone(backbone: str, config: Config) -> Start:
    """Start from a pretrained encoder: a folder or a hub id."""
    torch.manual_seed(config.seed)  # the heads start at random
    folder = Path(backbone)
    if folder.is_dir():
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    else:
        tokenizer = Tokenizer.from_pretrained(backbone)
    return Start(Network.from_backbone(backbone, layers=config.layers), tokenizer, folder.name)


def start_from_release(release: Release) -> Start:
    """Start from a release's own weights: no hub and no backbone folder is needed."""
    way_back, encoder = release.manifest["weights"], release.manifest["encoder"]
    network = restore(release.path(GRAPH), way_back, encoder)
    tokenizer = Tokenizer.from_file(str(release.path(TOKENIZER)))
    return Start(network, tokenizer, str(release.manifest["backbone"]))


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made, and from what."""

    data: Sequence[str]
    start: Start
    config: Config
    cards: Path
    lexicon: Path
    version: str
    held_out: Sequence[str] = ()
    command: str = ""


def train_release(order: Order, out: Path, *, on_step: Callable[[str], None] = lambda step: None) -> Release:
    """Make a release in a folder that must not exist yet.

    When a step after training fails, nothing stands there but `<out>.trained`: the same order goes on from it.
    """
    if out.exists():
        raise FileExistsError(f"{out}: already there, wanted a new folder")
    began = time.monotonic()
    config, start = order.config, order.start
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as half:
        folder = Path(half) / "release"
        folder.mkdir()

        # --- data: rows under their cards; near copies stay on one side ------------------------------
        on_step("read rows")
        corpus = load_corpus(order.data, cards=order.cards, read=read_dataset)
        on_step("group near copies and split")
        splits = split(corpus.rows, config.sample, seed=config.seed)
        splits.test.extend(held_out_rows(order))
        on_step(f"label the words of {len(splits.train):,} rows")
        shutil.copyfile(order.lexicon, folder / LEXICON)
        lexicon = Lexicon.load(folder / LEXICON)
        visits = repeated(splits.train, label_rows(splits.train, lexicon), config)

        # --- network: one encoder, both heads trained together; then int8, with the way back ----------
        on_step(f"train on {round(len(visits) * config.epochs):,} visits")
        save_tokenizer(start.tokenizer, config, folder / TOKENIZER)
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        mean_loss = train_once(start.network, visits, tokenizer, config, kept=out.with_name(f"{out.name}.trained"))
        if not is_main_process():
            sys.exit()  # under torchrun the others have done their share
        on_step("export to int8")
        weights = export_int8(start.network, folder / GRAPH, float_layers=config.float_layers)
        scorer = Scorer(folder / GRAPH, folder / TOKENIZER)

        # --- probabilities and threshold: on rows the network did not see, read whole by that graph ----
        on_step(f"calibrate on {len(splits.calibrate):,} rows")
        readings = read_rows(scorer, splits.calibrate)
        calibration = calibrate(splits.calibrate, readings)
        policy, point = working_policy(splits.calibrate, readings, calibration, config)
        write_json(calibration.to_json(), folder / CALIBRATION)
        save_policy(policy, folder / POLICY)

        # --- what an auditor needs: the plain rival, and what was trained on (hashes only) -------------
        on_step("fit the baseline, sketch the training rows")
        baseline, rival = fit_rival(splits, config)
        baseline.save(folder / BASELINE)
        neardup.save(neardup.sketch([row.text for row in splits.train]), folder / SKETCH)

        # --- checks: the int8 graph says what the network said; then the figures of what ships ---------
        on_step("check int8 against float32")
        plain = float_scorer(start.network, Path(half) / "float.onnx", folder / TOKENIZER)
        hard = hard_rows(splits.test, baseline, most=config.parity_rows)
        parity = check_parity(hard, plain, scorer, calibration=calibration, policy=policy)
        on_step(f"evaluate on {len(splits.test):,} rows")
        detector = Detector(scorer, lexicon, calibration, policy, order.version)
        made = counts(corpus, splits) | {"visits": round(len(visits) * config.epochs), "mean_loss": mean_loss}
        report = {"working_point": point, "parity": parity, "training": made, "baseline_threshold": rival}
        report |= evaluate_rows(detector, splits.test, baseline, threshold=rival)
        made["seconds"] = round(time.monotonic() - began)

        # --- the folder is closed with its manifest and moved into place -------------------------------
        close(folder, order, corpus, report=report, weights=weights)
        folder.rename(out)
    out.with_name(f"{out.name}.trained").unlink()
    return open_release(out)


def held_out_rows(order: Order) -> list[Row]:
    """Load the rows that are only reported on."""
    return load_corpus(order.held_out, cards=order.cards, read=read_dataset).rows if order.held_out else []


def repeated(rows: Sequence[Row], labelled: Sequence[Labelled], config: Config) -> list[Labelled]:
    """Give each labelled row as often as its source is to be seen in an epoch."""
    times = (lookup(row.source, config.sample.repeats, 1) for row in rows)
    return [each for each, number in zip(labelled, times, strict=True) for _ in range(number)]


def float_scorer(network: Network, graph: Path, tokenizer: Path) -> Scorer:
    """Export the network as it is and load it as a scorer, to hold the int8 graph against."""
    export_float(network, graph)
    return Scorer(graph, tokenizer)


def fit_rival(splits: Splits, config: Config) -> tuple[Baseline, float]:
    """Fit the plain baseline on the training rows, and its threshold as the release's own is set."""
    baseline = fit_baseline([row.text for row in splits.train], [row.is_advert for row in splits.train])
    ordinary, per_10000 = config.sample.ordinary, config.false_flags_per_10000
    return baseline, baseline_threshold(baseline, splits.calibrate, ordinary=ordinary, per_10000=per_10000)


def close(folder: Path, order: Order, corpus: Corpus, *, report: Mapping[str, Any], weights: Mapping[str, Any]) -> None:
    """Write the report, the model card and last the manifest."""
    encoder = order.start.network.encoder.config
    shape = {name: value for name, value in encoder.to_dict().items() if name != "_name_or_path"}  # a path of this disk
    cards = {card.path: card for card in corpus.cards}  # one that several files came under is named once
    facts = {
        "backbone": order.start.name,
        "layers": int(encoder.num_hidden_layers),
        "encoder": shape,
        "config": order.config.to_json(),
        "command": order.command,
        "cards": [{"name": card.name, "licence": card.licence, "files": dict(card.files)} for card in cards.values()],
        "metrics": headline(report),
        "weights": weights,
    }
    write_json(report, folder / REPORT)
    (folder / CARD).write_text(model_card(order.version, facts, report), encoding="utf-8")
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    save_manifest(folder, version=order.version, created=created, facts=facts)


def save_tokenizer(tokenizer: Tokenizer, config: Config, path: Path) -> None:
    """Write the tokenizer with the truncation, stride and padding that scoring will use."""
    tokenizer.enable_truncation(config.max_tokens, stride=config.stride)
    if tokenizer.padding is None:
        pad = next(name for name in ("<pad>", "[PAD]") if tokenizer.token_to_id(name) is not None)
        tokenizer.enable_padding(pad_id=tokenizer.token_to_id(pad), pad_token=pad)
    tokenizer.save(str(path), pretty=False)


def counts(corpus: Corpus, splits: Splits) -> dict[str, Any]:
    """Count rows by use and source."""
    by_source: dict[str, dict[str, int]] = {}
    for row in splits.train:
        sides = by_source.setdefault(row.source, {"adverts": 0, "others": 0})
        sides["adverts" if row.is_advert else "others"] += 1
    return {
        "rows": len(corpus.rows),
        "left_out": corpus.left_out,
        "train_rows": len(splits.train),
        "calibrate_rows": len(splits.calibrate),
        "test_rows": len(splits.test),
        "train_by_source": dict(sorted(by_source.items())),
    }


def headline(report: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the few figures that the manifest repeats."""
    return {
        "threshold": report["working_point"]["threshold"],
        "recall": report["slices"]["all"]["release"]["recall"],
        "false_flags": report["slices"]["all"]["release"]["false_flags"],
        "parity": report["parity"],
    }


def write_json(values: Mapping[str, Any], path: Path) -> None:
    """Write plain values as readable JSON."""
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
