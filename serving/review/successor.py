"""A release like another but for its calibration, in a folder of its own: published and promoted as any other."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from models.calibration import Calibration
from models.release import CALIBRATION, CARD, Release, open_release, save_manifest

NUMBERED = re.compile(r"(?P<base>.+)\+cal(?P<number>[0-9]+)")
SECTION = """
## Recalibrated

This is release {from} with another calibration, fitted on {decisions} cases that reviewers decided ({adverts} adverts;
{sampled} cases had been let through): log-odds are {slope:.3f} times what they were, {shift:+.3f}. On cases that a fit
did not see, the log loss fell from {log_loss_before:.4f} to {log_loss_after:.4f} and the calibration error from
probability 0.1 on went from {error_before:.3f} to {error_after:.3f}. **Every figure below was measured before, on
{from}**: the order of posts is the same, but other posts are above a threshold. `npsight evaluate` measures it anew.
"""


def version_after(version: str) -> str:
    """Name the next: `2026.11.2+cal1` after `2026.11.2`, `+cal2` after that."""
    found = NUMBERED.fullmatch(version)
    return f"{found['base']}+cal{int(found['number']) + 1}" if found else f"{version}+cal1"


@contextmanager
def draft(
    release: Release, calibration: Calibration, out: Path, *, facts: Mapping[str, Any], created: datetime
) -> Iterator[tuple[Path, str]]:
    """Write it beside `out`, for `close` to put there; give its folder and version. Else it is removed."""
    if out.exists():
        raise ValueError(f"{out}: is already there, wanted a new folder")
    version = version_after(release.version)
    half = out.parent / f".{out.name}.{os.getpid()}"
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(release.folder, half)
        (half / CALIBRATION).write_text(json.dumps(calibration.to_json(), indent=2) + "\n", encoding="utf-8")
        card = (half / CARD).read_text(encoding="utf-8")
        (half / CARD).write_text(_card(card, release.version, version, facts), encoding="utf-8")
        all_facts = release.facts() | {"recalibrated": dict(facts)}
        save_manifest(half, version=version, created=created.isoformat(timespec="seconds"), facts=all_facts)
        yield half, version
    finally:
        shutil.rmtree(half, ignore_errors=True)


def close(half: Path, out: Path) -> Release:
    """Put a draft in its place by one rename."""
    half.rename(out)
    return open_release(out)


def _card(card: str, before: str, version: str, facts: Mapping[str, Any]) -> str:
    """Say it at the top of the card, under a heading of the new version."""
    title, section = f"# npsight release {before}\n", SECTION.format_map(facts)
    if title not in card:
        return card + section
    return card.replace(title, f"# npsight release {version}\n{section}", 1)
