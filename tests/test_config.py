from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import training
from training.config import Config, Sample, config_from, kept_config, load_config


def test_without_a_file_the_defaults_hold() -> None:
    assert load_config(None) == Config() == config_from({})


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        'epochs = 1\nlayers = 4\n[sample]\nordinary = ["a/*"]\n[sample.quotas]\n"x*" = 3\n', encoding="utf-8"
    )
    config = load_config(path)
    assert config == Config(epochs=1, layers=4, sample=Sample(ordinary=("a/*",), quotas={"x*": 3}))


def test_the_shipped_config_is_one_that_we_can_read() -> None:
    config = load_config(Path(training.__file__).with_name("shipped.toml"))
    assert config.prevalence == 0.003
    assert config.sample.ordinary


def test_a_config_comes_back_from_a_manifest_as_it_went() -> None:
    config = Config(epochs=3.5, layers=2, sample=Sample(quotas={"a*": 5}, ordinary=("b", "c")))
    assert config_from(config.to_json()) == config


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"epoch": 1}, "here: unknown key 'epoch', wanted one of seed, layers,"),
        ({"sample": {"quota": {}}}, r"here \[sample\]: unknown key 'quota', wanted one of per_source,"),
        ({"epochs": "2"}, "here: epochs is '2', wanted a number"),
        ({"batch_size": True}, "here: batch_size is True, wanted a whole number"),
        ({"learning_rate": [1]}, r"here: learning_rate is \[1\], wanted a number"),
        ({"layers": "all"}, "here: layers is 'all', wanted a whole number"),
        ({"batch_size": 1.5}, "here: batch_size is 1.5, wanted a whole number"),
        ({"sample": 3}, r"here \[sample\]: found 3, wanted a table"),
        ({"sample": {"quotas": 3}}, r"here \[sample\]: quotas is 3, wanted a table of whole numbers"),
        ({"sample": {"quotas": {"a": "b"}}}, r"here \[sample\]: quotas is {'a': 'b'}, wanted a table of whole numbers"),
        ({"sample": {"ordinary": "a"}}, r"here \[sample\]: ordinary is 'a', wanted a list of patterns"),
        ({"sample": {"calibrate_share": 0}}, "calibrate_share and test_share must be above 0"),
        ({"sample": {"test_share": 0.9}}, "leave no row to train on"),
    ],
)
def test_an_unknown_key_or_a_wrong_type_is_refused_by_name(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        config_from(values, where="here")


@pytest.mark.parametrize("text", ["epochs =", "[sample", "\x00"])
def test_a_file_that_is_no_toml_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"c\.toml: not TOML"):
        load_config(tmp_path / "c.toml")


def test_a_manifest_may_keep_what_decides_nothing_any_more_and_a_config_may_not() -> None:
    values = Config(epochs=3.0).to_json() | {"float_layers": [0, 4]}
    assert kept_config(values, where="manifest.json") == Config(epochs=3.0)
    with pytest.raises(ValueError, match="unknown key 'float_layers'"):
        config_from(values)
