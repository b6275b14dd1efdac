"""The file of live terms, by function and by command."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import npsight
from models.lexicon import Lexicon
from models.overlay import add_term, retire_term
from models.release import LEXICON, Release
from models.termlist import Term, digest, read_terms
from models.verdict import NpsClass, Status


def add(path: Path, surface: str, **options: str) -> tuple[Term, str]:
    given = {"substance": "2-MMC", "nps_class": "cathinones", "kind": "slang", "lang": "en", "ambiguity": "none"}
    return add_term(path, surface, **(given | options))


def run(*words: object) -> Result:
    return CliRunner().invoke(npsight.app, [str(word) for word in words])


def rows(path: Path) -> list[tuple[str, str, str]]:
    return [(term.surface, term.lang, term.status.value) for term in read_terms(path)]


def test_an_added_term_has_its_source_and_the_day_it_was_first_seen(tmp_path: Path) -> None:
    term, version = add(tmp_path / "terms.tsv", "wibble")
    assert read_terms(tmp_path / "terms.tsv") == [term]
    assert (term.source, term.status, len(term.first_seen)) == ("overlay", Status.CONFIRMED, len("2026-01-01"))
    assert version == digest([term])


@pytest.mark.parametrize(
    ("ambiguity", "status"), [("low", "confirmed"), ("medium", "ambiguous"), ("high", "ambiguous")]
)
def test_what_often_means_something_else_is_ambiguous(tmp_path: Path, ambiguity: str, status: str) -> None:
    assert add(tmp_path / "terms.tsv", "wibble", ambiguity=ambiguity)[0].status.value == status


def test_a_surface_has_one_row_a_language_and_a_retired_one_no_other(tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv"
    add(path, "wibble")
    add(path, "Wibble", ambiguity="high")
    add(path, "wibble", lang="de")
    assert rows(path) == [("Wibble", "en", "ambiguous"), ("wibble", "de", "confirmed")]
    retire_term(path, "WIBBLE")
    assert rows(path) == [("WIBBLE", "*", "retired")]
    add(path, "wibble")
    assert rows(path) == [("wibble", "en", "confirmed")]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"nps_class": "sweets"}, "found the class 'sweets', wanted one of synthetic_cannabinoids"),
        ({"kind": "nick"}, "found the kind 'nick', wanted one of substance"),
        ({"lang": "xx"}, r"found the language 'xx', wanted one of \*, en"),
        ({"ambiguity": "some"}, "found the ambiguity 'some', wanted one of none"),
        ({"surface": " "}, "found the surface ' '"),
        ({"surface": "a\tb"}, "wanted a word or a phrase on one line"),
        ({"substance": "a\nb"}, "found the substance"),
    ],
)
def test_what_the_reader_would_refuse_is_never_written(tmp_path: Path, wrong: dict[str, str], said: str) -> None:
    add(tmp_path / "terms.tsv", "wibble")
    before = (tmp_path / "terms.tsv").read_bytes()
    with pytest.raises(ValueError, match=said):
        add(tmp_path / "terms.tsv", **({"surface": "wobble"} | wrong))
    assert (tmp_path / "terms.tsv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["terms.tsv"]


def test_an_emoji_of_several_code_points_is_a_surface(tmp_path: Path) -> None:
    assert add(tmp_path / "terms.tsv", "\u2744\ufe0f\u200d\U0001f525")[0] in read_terms(tmp_path / "terms.tsv")


def test_no_term_is_lost_when_many_write_at_once(tmp_path: Path) -> None:
    threads = [threading.Thread(target=add, args=(tmp_path / "terms.tsv", f"word{number}")) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(tmp_path / "terms.tsv")) == 12


def test_no_overlay_leaves_the_lexicon_as_it_is() -> None:
    base = Lexicon([Term("cocaine", "cocaine", NpsClass.CONTROLLED)])
    assert base.under([]) is base


# --- the commands --------------------------------------------------------------------------------------


def test_the_commands_add_retire_and_name_the_version_that_verdicts_bear(tmp_path: Path, tiny_release: Release) -> None:
    path = tmp_path / "terms.tsv"
    words: list[Any] = ["--substance", "2-MMC", "--class", "cathinones", "--kind", "slang", "--lang", "en"]
    added = run("lexicon", "add", "wibble", *words, "--ambiguity", "low", "--to", path)
    assert added.stdout.startswith("added: wibble (2-MMC, cathinones, confirmed); verdicts name +")
    retired = run("lexicon", "retire", "ketamine", "--to", path)
    assert retired.stdout.startswith("retired: ketamine; verdicts name +")
    version = run("lexicon", "version", "--to", path, "--release", tiny_release.folder).stdout.strip()
    lexicon = Lexicon.load(tiny_release.path(LEXICON)).under(read_terms(path))
    assert version == lexicon.version
    assert version.endswith(retired.stdout.strip().rpartition(" ")[2])


def test_a_refused_command_says_why_in_one_line(tmp_path: Path) -> None:
    result = run("lexicon", "add", "x", "--substance", "y", "--class", "sweets", "--to", tmp_path / "terms.tsv")
    assert result.exit_code == 2
    assert result.stderr.startswith("npsight: found the class 'sweets'")
    assert not (tmp_path / "terms.tsv").exists()
