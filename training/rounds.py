"""The rounds of training: what is chosen beforehand; then that and what the network itself finds hard."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from models.lexicon import Lexicon
from training.config import Config
from training.corpus import Row
from training.disguise import bystanders_of, disguise
from training.labels import label_rows
from training.mine import mine
from training.network import Network
from training.splits import Splits, lookup
from training.steps import Step
from training.trainer import is_main_process, train_once


def train_in_rounds(
    network: Network, splits: Splits, lexicon: Lexicon, tokenizer: Path, config: Config, kept: Path, on_step: Step
) -> dict[str, Any]:
    """Train in place and give what the report says of it; what is mined joins the rows to train on.

    `kept` and `kept_second(kept)` hold the weights after each round, for a later run of the same order.
    """
    began, resumed = time.monotonic(), kept.exists()
    facts = one_round(network, splits.train, lexicon, tokenizer, config, kept, on_step)
    if config.mined_epochs:
        pool = splits.spare[: config.sample.mined_from]
        on_step(f"mine {config.sample.mined:,} of {len(pool):,} ordinary rows")
        mined = mine(network, Tokenizer.from_file(str(tokenizer)), pool, config.sample.mined)
        splits.train.extend(mined)
        second = replace(config, epochs=config.mined_epochs, seed=config.seed + 1)
        later = one_round(network, splits.train, lexicon, tokenizer, second, kept_second(kept), on_step)
        facts = {"visits": facts["visits"] + later["visits"], "mean_loss": later["mean_loss"], "mined": len(mined)}
    if not is_main_process():
        sys.exit()  # under torchrun the others have done their share
    seconds = None if resumed else round(time.monotonic() - began, 1)  # what an earlier process took is not known
    return facts | {"train_seconds": seconds}


def kept_second(kept: Path) -> Path:
    """Name the file of the second round's weights."""
    return kept.with_name(f"{kept.name}-second")


def forget(kept: Path) -> None:
    """Delete the weights that were kept of both rounds."""
    for each in (kept, kept_second(kept)):
        each.unlink(missing_ok=True)


def one_round(
    network: Network, rows: Sequence[Row], lexicon: Lexicon, tokenizer: Path, config: Config, kept: Path, on_step: Step
) -> dict[str, Any]:
    """Label the words of every visit and train on them."""
    on_step(f"label the words of {len(rows):,} rows")
    labelled = label_rows(visits_of(rows, config), lexicon)
    on_step(f"train on {round(len(labelled) * config.epochs):,} visits")
    mean_loss = train_once(network, labelled, Tokenizer.from_file(str(tokenizer)), config, kept=kept)
    return {"visits": round(len(labelled) * config.epochs), "mean_loss": mean_loss}


def visits_of(rows: Sequence[Row], config: Config) -> list[Row]:
    """Give each row as often as its source is to be seen in an epoch, a share of the visits in disguise."""
    rng, bystanders = random.Random(config.seed), bystanders_of(rows)
    seen = (row for row in rows for _ in range(lookup(row.source, config.sample.repeats, 1)))
    return [disguise(row, bystanders, rng) if rng.random() < config.disguise else row for row in seen]
