"""`npsight train`: what a user asks for, to a start, a config and a run, with the steps said as they begin."""

from __future__ import annotations

import datetime
import json
import logging
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from models.release import DEFAULT_RELEASE, LEXICON, MANIFEST, REPORT, Release, open_release
from training.config import Config, kept_config, load_config
from training.evaluation.report_table import print_report
from training.pipeline import Order, Start, start_from_backbone, start_from_release, train_release
from training.steps import timed_steps


def train_command(
    data: Sequence[str],
    out: Path,
    *,
    held_out: Sequence[str],
    config: Path | None,
    from_release: Path | None,
    backbone: str | None,
    cards: Path,
    lexicon: Path | None,
    version: str | None,
) -> None:
    """Train and say how it went; `ValueError` for a request that makes no sense."""
    logging.getLogger("transformers").setLevel(logging.ERROR)  # it lists every weight it finds or misses
    on_step = timed_steps()
    parent = open_release(from_release) if from_release else None
    chosen = choose_config(config, parent)
    order = Order(
        data=data,
        held_out=held_out,
        start=choose_start(parent, backbone, chosen),
        config=chosen,
        cards=cards,
        lexicon=lexicon or choose_lexicon(parent),
        version=version or datetime.datetime.now(datetime.UTC).strftime("%Y.%-m.%-d"),
        command=shlex.join(["npsight", *sys.argv[1:]]),
    )
    release = train_release(order, out, on_step=on_step)
    on_step(f"done: release {release.version} in {release.folder}; its model card is README.md there")
    print_report(json.loads(release.path(REPORT).read_text(encoding="utf-8")) | {"release": release.version})


def choose_config(config: Path | None, parent: Release | None) -> Config:
    """Take the given config, else the one that the parent release was trained with, else the defaults."""
    if config is None and parent is not None:
        return kept_config(parent.manifest["config"], where=str(parent.path(MANIFEST)))
    return load_config(config)


def choose_start(parent: Release | None, backbone: str | None, config: Config) -> Start:
    """Start from a release or from a backbone, one of them."""
    if (parent is None) == (backbone is None):
        raise ValueError("wanted --from RELEASE or --backbone NAME_OR_FOLDER, and not both")
    return start_from_release(parent) if parent else start_from_backbone(str(backbone), config)


def choose_lexicon(parent: Release | None) -> Path:
    """Take the parent's lexicon, else the shipped one."""
    return parent.path(LEXICON) if parent else DEFAULT_RELEASE / LEXICON
