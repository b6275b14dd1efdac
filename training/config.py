"""How a release is trained, as data: a TOML file whose unknown keys are refused."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_type_hints


@dataclass(frozen=True, slots=True)
class Sample:
    """Which rows train. One row of a near-duplicate group; an hour on two cores is some 60,000 row-visits."""

    per_source: int = 500
    """Most non-advert rows of one source, so that no genre drowns the rest."""
    adverts_per_source: int = 2500
    """Most advert rows of one source: they are the rarer side."""
    quotas: Mapping[str, int] = field(default_factory=dict)
    """Source pattern to its own number, first match wins, for both sides."""
    hard: int = 0
    """Further ordinary rows: those that the plain baseline, fitted on the rest, finds most like adverts."""
    mined: int = 0
    """Further ordinary rows for a second round: those that the network finds most like adverts after the first."""
    mined_from: int = 40_000
    """Ordinary rows, drawn at random, that it reads to find them."""
    repeats: Mapping[str, int] = field(default_factory=dict)
    """Source pattern to how often its rows are seen in an epoch: authored context cases are few and teach most."""
    calibrate_share: float = 0.15
    test_share: float = 0.15
    """Shares of the groups kept from training, to calibrate on and to report on."""
    kept_percent: Mapping[str, int] = field(default_factory=dict)
    """Source pattern to its own such share, of each of the two, in per cent."""
    ordinary: tuple[str, ...] = ("*",)
    """Sources that count as the ordinary stream when the threshold is set."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that decides a run, flat; it is written into the release's manifest."""

    seed: int = 7
    layers: int | None = None  # all of the backbone's
    max_tokens: int = 128  # longer posts are read in windows when scored
    stride: int = 32  # tokens that neighbouring windows share, so that no offer is cut in two
    epochs: float = 2.0
    mined_epochs: float = 0.0  # of a second round, which sees `sample.mined` rows more
    batch_size: int = 32
    learning_rate: float = 8e-5  # high for BERT, right for a 384-wide one
    head_learning_rate: float = 1e-3  # the heads start from nothing
    warmup_share: float = 0.06
    weight_decay: float = 0.01
    hide_terms: float = 0.5  # share of known terms hidden (masked or renamed), so that context must answer
    term_loss: float = 0.5  # share of the term loss beside the intent loss, whose helper it is; 0 trains no term head
    disguise: float = 0.0  # share of visits that see the post in disguise: see training/disguise.py
    words_share: float = 0.0  # of the plain reader's log-odds, added to the network's: see models/reader.py
    prevalence: float = 0.003  # of the stream that the shipped policy is meant for
    false_flags_per_10000: float = 2.6  # the working point
    most_wrong: float = 1.0
    """Largest share of wrong ones among the flags of one advert intent, on posts written to be hard; above it, that
    intent's threshold is raised. Ordinary posts hold next to nothing like a call for couriers: they cannot set it."""
    parity_rows: int = 600
    sample: Sample = field(default_factory=Sample)

    def to_json(self) -> dict[str, Any]:
        """Give the config as plain values."""
        return asdict(self)


RETIRED = frozenset({"float_layers"})
"""Keys that manifests of earlier releases hold and that decide nothing any more."""


def load_config(path: Path | None) -> Config:
    """Read a TOML file over the defaults; `ValueError` names an unknown key or a wrong type."""
    if path is None:
        return Config()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: not TOML ({error})") from error
    return config_from(values, where=str(path))


def config_from(values: Mapping[str, Any], *, where: str = "config") -> Config:
    """Build a config from plain values, such as a manifest's."""
    values = dict(values)
    sample = _build(Sample, values.pop("sample", {}), f"{where} [sample]")
    config: Config = _build(Config, {**values, "sample": sample}, where)
    if config.sample.calibrate_share <= 0 or config.sample.test_share <= 0:
        raise ValueError(f"{where}: calibrate_share and test_share must be above 0, or nothing can be calibrated")
    if config.sample.calibrate_share + config.sample.test_share >= 1:
        raise ValueError(f"{where}: calibrate_share and test_share leave no row to train on")
    return config


def kept_config(values: Mapping[str, Any], *, where: str) -> Config:
    """Build the config that a release's manifest keeps, without what decides nothing any more."""
    return config_from({name: value for name, value in values.items() if name not in RETIRED}, where=where)


def _build(kind: Any, values: Any, where: str) -> Any:
    if not isinstance(values, Mapping):
        raise ValueError(f"{where}: found {values!r}, wanted a table")
    hints = get_type_hints(kind)
    for name, value in values.items():
        if name not in hints:
            raise ValueError(f"{where}: unknown key {name!r}, wanted one of {', '.join(hints)}")
        wanted, fits = CHECKS[hints[name]]
        if not fits(value):
            raise ValueError(f"{where}: {name} is {value!r}, wanted {wanted}")
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) and all(_is_whole(number) for number in value.values())


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


CHECKS: dict[Any, tuple[str, Callable[[Any], bool]]] = {
    int: ("a whole number", _is_whole),
    int | None: ("a whole number", lambda value: value is None or _is_whole(value)),
    float: ("a number", lambda value: _is_whole(value) or isinstance(value, float)),
    Mapping[str, int]: ("a table of whole numbers", _is_table),
    tuple[str, ...]: ("a list of patterns", _is_list),
    Sample: ("a table", lambda value: isinstance(value, Sample)),
}
"""What a value of each type must be, in words and as a test."""
