"""What the verbs `drift ...` do: functions that take values."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console

from models.policy import load_policy
from models.reference import load_reference, save_reference
from models.release import DEFAULT_RELEASE, REFERENCE, load_detector, open_release
from serving.batch import Tally
from serving.keep import opened
from serving.observe.drift_report import NOTHING, drift_to_json, print_drift
from serving.observe.references import drift_now, loaded, made_from
from serving.settings import Settings
from serving.spans_of_time import span_of_time

WIDTH_IN_A_FILE = 140  # columns when nobody's terminal says how many


def report(since: str, *, release: Path | None, policy: str, as_json: bool) -> None:
    """Print how far the last days are from the reference; `ValueError` when there is nothing to compare."""
    back, settings = span_of_time(since), Settings()
    if back is None:
        raise ValueError(f"{since!r}: wanted days or hours, such as 7d or 12h")
    version, reference = None, loaded(settings)
    if release is not None:
        version = open_release(release).version
        if settings.reference is None:
            reference = load_reference(release / REFERENCE) if (release / REFERENCE).is_file() else None
    with opened() as engine, engine.connect() as connection:
        found = drift_now(connection, reference, policy=policy, release=version, since=back)
    if found is None:
        raise ValueError(NOTHING)
    if as_json:
        print(json.dumps(drift_to_json(found), indent=2, ensure_ascii=False))
    else:
        print_drift(found, Console(width=None if sys.stdout.isatty() else WIDTH_IN_A_FILE))


def write_reference(
    file: str,
    out: Path,
    *,
    release: Path | None,
    policy: Path | None,
    text_column: str,
    id_column: str,
    threads: int | None,
) -> str:
    """Make a reference of a file of posts; say what was made."""
    detect = load_detector(
        open_release(release or DEFAULT_RELEASE), policy=load_policy(policy) if policy else None, threads=threads
    )
    tally = Tally()
    reference = made_from(detect, file, text_column=text_column, id_column=id_column, tally=tally)
    save_reference(reference, out)
    return (
        f"{out}: {tally.scored:,} posts, {tally.malformed:,} lines malformed, {reference.release}, {reference.policy}"
    )
