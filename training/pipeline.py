"""The recipe of a release: labelled rows in, a checked release folder out. Read it from top to bottom."""

from __future__ import annotations

import datetime
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from models import neardup
from models.calibration import Calibration
from models.detector import Detector
from models.lexicon import Lexicon
from models.policy import Policy, save_policy
from models.reader import Reads
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
    load_reader,
    open_release,
    save_manifest,
)
from models.words import Words
from training.calibrate import calibrate, working_policy
from training.config import Config
from training.corpus import Corpus, Row, load_corpus
from training.document import headline
from training.evaluation.baselines import fit_baseline, save_baseline
from training.evaluation.report import FORMAT, Asked, metrics, one_sided
from training.evaluation.run import baseline_contender, baseline_threshold, judge, judged_rows, read_rows
from training.export import export_float, export_int8, restore
from training.json_files import write_json
from training.model_card import model_card
from training.network import Network
from training.parity import NOT_CHECKED, check_parity, hard_rows
from training.readers import read_dataset
from training.rounds import forget, train_in_rounds
from training.splits import Splits, split, with_ordinary
from training.steps import Step, silent


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


def train_release(order: Order, out: Path, *, on_step: Step = silent) -> Release:
    """Read the rows, group and split them, and make a release of them in a folder that must not exist yet."""
    refuse_existing(out)  # now, not after minutes of reading
    on_step("read rows")
    corpus = load_corpus(order.data, cards=order.cards, read=read_dataset)
    order = replace(order, config=with_ordinary(order.config, corpus.rows, on_step))
    on_step("group near copies and split")
    splits = split(corpus.rows, order.config.sample, seed=order.config.seed)
    splits.test.extend(held_out_rows(order))
    return make_release(order, corpus, splits, out, on_step=on_step)


def make_release(order: Order, corpus: Corpus, splits: Splits, out: Path, *, on_step: Step = silent) -> Release:
    """Make a release of rows that are split already; the network of `order.start` is trained in place.

    When a step after training fails, nothing stands there but `<out>.trained`: the same order goes on from it.
    """
    refuse_existing(out)
    began, config, kept = time.monotonic(), order.config, out.with_name(f"{out.name}.trained")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as half:
        folder = Path(half) / "release"
        folder.mkdir()

        # --- network: one encoder, both heads trained together; then int8, with the way back ----------
        shutil.copyfile(order.lexicon, folder / LEXICON)
        lexicon = Lexicon.load(folder / LEXICON)
        tokenizer = save_tokenizer(order.start.tokenizer, config, folder / TOKENIZER)
        trained = train_in_rounds(order.start.network, splits, lexicon, tokenizer, config, kept, on_step)
        on_step("export to int8")
        weights = export_int8(order.start.network, folder / GRAPH)

        # --- the plain rival, on the same rows: it is also the second reader, at its share ---------------
        on_step("fit the baseline, sketch the rows")
        baseline = fit_baseline([row.text for row in splits.train], [row.is_advert for row in splits.train])
        save_baseline(baseline, folder / BASELINE)
        reader = load_reader(folder, words_share=config.words_share)

        # --- probabilities and threshold: on rows the network did not see, read whole by that graph ----
        on_step(f"calibrate on {len(splits.calibrate):,} rows")
        calibration, policy, point = set_working_point(reader, splits.calibrate, config, folder)
        detector = Detector(reader, lexicon, calibration, policy, order.version)

        # --- what an auditor needs: the rival's threshold, and what was learnt from (hashes only) ------
        rival = rival_threshold(baseline, splits, config)
        sketch_rows(splits, folder)

        # --- checks: the int8 graph says what the network said; then the figures of what ships ---------
        on_step("check int8 against float32")
        parity = compare(order.start.network, detector, splits.test, baseline, config, folder)
        on_step(f"evaluate on {len(splits.test):,} rows")
        figures = measure(detector, splits.test, baseline, rival, on_step)

        # --- the folder is closed with its manifest and moved into place -------------------------------
        made = counts(corpus, splits) | trained | {"seconds": round(time.monotonic() - began)}
        report = {"working_point": point, "parity": parity, "training": made, "baseline_threshold": rival} | figures
        close(folder, order, corpus, report=report, weights=weights)
        folder.rename(out)
    forget(kept)
    return open_release(out)


def refuse_existing(out: Path) -> None:
    """Refuse to write into a folder that is there."""
    if out.exists():
        raise FileExistsError(f"{out}: already there, wanted a new folder")


def held_out_rows(order: Order) -> list[Row]:
    """Load the rows that are only reported on."""
    return load_corpus(order.held_out, cards=order.cards, read=read_dataset).rows if order.held_out else []


def set_working_point(
    reader: Reads, rows: Sequence[Row], config: Config, folder: Path
) -> tuple[Calibration, Policy, dict[str, Any]]:
    """Calibrate the graph and set its threshold, write both, and give them with the figures behind the threshold."""
    readings = read_rows(reader, rows)
    calibration = calibrate(rows, readings, words_share=config.words_share)
    policy, point = working_policy(rows, readings, calibration, config)
    write_json(calibration.to_json(), folder / CALIBRATION, allow_nan=True)
    save_policy(policy, folder / POLICY)
    return calibration, policy, point


def rival_threshold(baseline: Words, splits: Splits, config: Config) -> float:
    """Set the plain baseline's one threshold on the same ordinary posts, at the same rate."""
    ordinary, per_10000 = config.sample.ordinary, config.false_flags_per_10000
    return baseline_threshold(baseline, splits.calibrate, ordinary=ordinary, per_10000=per_10000)


def sketch_rows(splits: Splits, folder: Path) -> None:
    """Write the sketch of all that the release learnt from: the rows to calibrate on too set its threshold."""
    neardup.save(neardup.sketch([row.text for row in [*splits.train, *splits.calibrate]]), folder / SKETCH)


def compare(
    network: Network, detector: Detector, rows: Sequence[Row], baseline: Words, config: Config, folder: Path
) -> dict[str, Any]:
    """Hold the int8 graph against the network itself on hard rows, unless the config asks for none."""
    if not config.parity_rows:
        return dict(NOT_CHECKED)
    graph = folder.with_name("float.onnx")  # beside the release, not in it
    export_float(network, graph)
    hard = hard_rows(rows, baseline, most=config.parity_rows)
    plain = load_reader(folder, words_share=config.words_share, graph=graph)
    figures = check_parity(hard, plain, detector.scorer, calibration=detector.calibration, policy=detector.policy)
    return figures | {"int8_bytes": (folder / GRAPH).stat().st_size, "float_bytes": graph.stat().st_size}


def measure(detector: Detector, rows: Sequence[Row], baseline: Words, rival: float, on_step: Step) -> dict[str, Any]:
    """Judge rows with what ships, beside the baseline at its threshold, and compute the report's figures."""
    kept, mixed = one_sided(rows)
    others = [baseline_contender(baseline, kept, rival)]
    judged = judged_rows(kept, judge(detector, kept), detector.policy, version=detector.release, others=others)
    figures = metrics(judged, Asked(), fitted_prevalence=detector.calibration.prevalence, on_step=on_step)
    left_out = {"left_out": {"label allows both sides": mixed}} if mixed else {}
    return {"format": FORMAT, "release": detector.release, **left_out, **figures}


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
    write_json(report, folder / REPORT, allow_nan=True)
    (folder / CARD).write_text(model_card(order.version, facts, report), encoding="utf-8")
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    save_manifest(folder, version=order.version, created=created, facts=facts)


def save_tokenizer(tokenizer: Tokenizer, config: Config, path: Path) -> Path:
    """Write the tokenizer with the truncation, stride and padding that scoring will use, and give the path."""
    tokenizer.enable_truncation(config.max_tokens, stride=config.stride)
    if tokenizer.padding is None:
        pad = next(name for name in ("<pad>", "[PAD]") if tokenizer.token_to_id(name) is not None)
        tokenizer.enable_padding(pad_id=tokenizer.token_to_id(pad), pad_token=pad)
    tokenizer.save(str(path), pretty=False)
    return path


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
