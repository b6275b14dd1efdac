"""The folder that is a model: its layout, its manifest, and the refusal of anything else.

`save_manifest` closes a folder that training has filled; `load_detector` opens one for scoring.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.calibration import Calibration
from models.detector import Detector
from models.lexicon import Lexicon
from models.policy import Policy, load_policy
from models.reader import Reader, Reads
from models.scorer import Scorer
from models.verdict import INTENTS
from models.words import Words

FORMAT = 1
DEFAULT_RELEASE = Path(__file__).parent / "default"
GRAPH, TOKENIZER, LEXICON = "model.onnx", "tokenizer.json", "lexicon.tsv"
CALIBRATION, POLICY = "calibration.json", "policy.json"
BASELINE, SKETCH, CARD, REPORT, MANIFEST = "baseline.npz", "sketch.npy", "README.md", "report.json", "manifest.json"
REFERENCE = "reference.json"  # not in every release: see models/reference.py
REQUIRED = (GRAPH, TOKENIZER, LEXICON, CALIBRATION, POLICY, BASELINE, SKETCH, CARD, REPORT)


class ReleaseError(ValueError):
    """A folder is not a release that this version can load; the text says what was found and wanted.

    `public` says it in words that name no path and quote no content, for whoever may look at the service.
    """

    def __init__(self, said: str, *, public: str = "is not a release that this version can load") -> None:
        super().__init__(said)
        self.public = public


@dataclass(frozen=True, slots=True)
class Release:
    """A release folder that was checked: every file there, every checksum right, the order ours."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def version(self) -> str:
        """Give the release's own version, such as `2026.11.1`."""
        return str(self.manifest["version"])

    @property
    def digest(self) -> str:
        """Hash the manifest, which holds the checksum of every other file."""
        return sha256(self.folder / MANIFEST)

    def path(self, name: str) -> Path:
        """Give the path of one of its files."""
        return self.folder / name

    def facts(self) -> dict[str, Any]:
        """Give what the manifest holds beside what `save_manifest` says by itself."""
        own = ("format", "version", "created", "intents", "files")
        return {name: value for name, value in self.manifest.items() if name not in own}

    def describe(self) -> dict[str, Any]:
        """Give what `GET /v1/release` and `npsight releases show` say of it."""
        shown = ("version", "created", "format", "intents", "backbone", "layers", "cards", "metrics", "recalibrated")
        return {name: self.manifest[name] for name in shown if name in self.manifest}


def sha256(path: Path) -> str:
    """Hash a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_manifest(folder: Path, *, version: str, created: str, facts: Mapping[str, Any]) -> Release:
    """Close a folder: check that it is whole, take the checksums and write the manifest."""
    missing = [name for name in REQUIRED if not (folder / name).is_file()]
    if missing:
        raise ReleaseError(f"{folder}: not a whole release, missing {', '.join(missing)}")
    manifest = {
        "format": FORMAT,
        "version": version,
        "created": created,
        "intents": [str(intent) for intent in INTENTS],
        "files": {
            name: {"sha256": sha256(folder / name), "bytes": (folder / name).stat().st_size}
            for name in (*REQUIRED, REFERENCE)
            if (folder / name).is_file()
        },
        **facts,
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return open_release(folder)


def open_release(folder: Path) -> Release:
    """Check a folder and give it as a release; `ReleaseError` says what was found and what was wanted."""
    path = folder / MANIFEST
    if not path.is_file():
        raise ReleaseError(f"{folder}: no {MANIFEST} there, wanted a release folder")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ReleaseError(f"{path}: not JSON ({error})") from error
    if not isinstance(manifest, dict):
        raise ReleaseError(f"{path}: found a {type(manifest).__name__}, wanted an object")
    _check_manifest(path, manifest)
    for name in REQUIRED:
        _check_file(folder / name, manifest["files"][name])
    if isinstance(listed := manifest["files"].get(REFERENCE), dict):
        _check_file(folder / REFERENCE, listed)
    return Release(folder, manifest)


def _check_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    if manifest.get("format") != FORMAT:
        raise ReleaseError(f"{path}: found format {manifest.get('format')!r}, wanted {FORMAT}")
    wanted = [str(intent) for intent in INTENTS]
    if manifest.get("intents") != wanted:
        raise ReleaseError(f"{path}: found intents in the order {manifest.get('intents')}, wanted {wanted}")
    if not isinstance(manifest.get("version"), str) or not isinstance(manifest.get("files"), dict):
        raise ReleaseError(f"{path}: wanted a version and a table of files, found {sorted(manifest)}")
    unlisted = [name for name in REQUIRED if not isinstance(manifest["files"].get(name), dict)]
    if unlisted:
        raise ReleaseError(f"{path}: lists no checksum for {', '.join(unlisted)}")


def _check_file(path: Path, listed: Mapping[str, Any]) -> None:
    if not path.is_file():
        said = f"{path}: missing, wanted the file that the manifest lists"
        raise ReleaseError(said, public=f"{path.name} is missing")
    found = sha256(path)
    if found != listed.get("sha256"):
        said = f"{path}: found sha256 {found}, wanted {listed.get('sha256')}: the file was changed"
        raise ReleaseError(said, public=f"{path.name} has another checksum than the manifest lists")


def load_calibration(release: Release) -> Calibration:
    """Read a release's calibration."""
    return Calibration.from_json(json.loads(release.path(CALIBRATION).read_text(encoding="utf-8")))


def load_reader(folder: Path, *, words_share: float, graph: Path | None = None, threads: int | None = None) -> Reads:
    """Load what reads a release's texts: its graph, or the given one instead, and the plain reader at its share."""
    network = Scorer(graph or folder / GRAPH, folder / TOKENIZER, threads=threads)
    return Reader(network, Words.load(folder / BASELINE), words_share) if words_share else network


def load_detector(release: Release, *, policy: Policy | None = None, threads: int | None = None) -> Detector:
    """Load a release for scoring, bound to its own policy unless another is given."""
    calibration = load_calibration(release)
    return Detector(
        scorer=load_reader(release.folder, words_share=calibration.words_share, threads=threads),
        lexicon=Lexicon.load(release.path(LEXICON)),
        calibration=calibration,
        policy=policy or load_policy(release.path(POLICY)),
        release=release.version,
    )
