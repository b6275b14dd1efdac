"""The small file beside a registry's releases that says which of them judges beside the live one, and how often."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "shadow.json"


class ShadowFileError(ValueError):
    """The file is not what `npsight shadow start` writes."""

    public = "is not a version and a share"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which release should judge what share of the posts; an empty version: none."""

    version: str
    share: float

    def __post_init__(self) -> None:
        if self.version and (Path(self.version).name != self.version or self.version.startswith(".")):
            raise ShadowFileError(f"found the version {self.version!r}, wanted a version of the registry")
        if not 0 <= self.share <= 1:
            raise ShadowFileError(f"found the share {self.share}, wanted a number from 0 to 1")


def read_wanted(folder: Path) -> Wanted | None:
    """Read the file; without one, the service's settings say what is wanted."""
    path = folder / FILE
    return parse_wanted(path.read_bytes()) if path.exists() else None


def parse_wanted(content: bytes) -> Wanted:
    """Read what the file holds."""
    values = json.loads(content)
    found = values if isinstance(values, dict) else {}
    version, share = found.get("version"), found.get("share")
    if not isinstance(version, str) or isinstance(share, bool) or not isinstance(share, int | float):
        raise ShadowFileError(f"{FILE}: wanted an object with a version and a share")
    return Wanted(version, share)


def write_wanted(folder: Path, wanted: Wanted) -> None:
    """Write the file by one rename."""
    half = folder / f".{FILE}.{os.getpid()}"
    half.write_text(json.dumps(asdict(wanted)) + "\n", encoding="utf-8")
    half.replace(folder / FILE)
