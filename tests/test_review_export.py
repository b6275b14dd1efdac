"""Decided posts as a training file: what training reads is what reviewers said, and nothing names a person."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cases import NOW, put  # type: ignore[import-not-found]  # pytest finds it beside this file
from sqlalchemy import Engine
from typer.testing import CliRunner

from models.verdict import ADVERT_INTENTS, Intent
from npsight import app
from serving.audit import records
from serving.review.case import Mark
from serving.review.decisions import decide
from serving.review.export import Exported, export
from serving.store.engine import writing
from training.cards import NOT_ADVERT, find_card
from training.corpus import Corpus, load_corpus


def say(engine: Engine, case_id: int, decision: str, **more: Any) -> None:
    with writing(engine) as connection:
        facts = {"reviewer": "k1/Ann", "source": "console", "now": NOW, **more}
        decide(connection, case_id, decision=decision, **facts)


def read(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(name).read_text(encoding="utf-8").splitlines()]


def exported(engine: Engine, path: Path, **options: Any) -> tuple[Exported, Corpus]:
    done = export(engine, path, actor="test", **options)
    return done, load_corpus([str(path)], cards=path.parent / "none", read=read)


def test_training_reads_each_decided_case_once_as_its_reviewer_said_it(engine: Engine, tmp_path: Path) -> None:
    named, bare = put(engine, copies=5, lang="de", author="1:secret", post_id="theirs"), put(engine)
    innocent, taken_back, unsure, gone = put(engine), put(engine), put(engine), put(engine, kept=False)
    say(engine, named, "advert", intent="recruit", spans=[Mark(6, 8, "slang")], note="a remark")
    say(engine, bare, "advert")
    say(engine, innocent, "advert")
    say(engine, innocent, "not_advert", intent="other", appeal="overturned", spans=[])
    say(engine, taken_back, "advert")
    say(engine, taken_back, "undo")
    say(engine, unsure, "unsure")
    say(engine, gone, "advert")
    path = tmp_path / "out" / "reviewed.jsonl"
    done, corpus = exported(engine, path)
    rows = {row.id: row for row in corpus.rows}
    assert set(rows) == {f"review-{case}" for case in (named, bare, innocent)}
    assert (done.rows, done.without_text) == (3, 1)
    first, second, third = (rows[f"review-{case}"] for case in (named, bare, innocent))
    assert (first.intents, first.lang, first.source) == (frozenset({Intent.RECRUIT}), "de", "reviewed/chat")
    assert [(span.start, span.end, span.kind) for span in first.spans or ()] == [(6, 8, "slang")]
    assert (second.intents, second.spans) == (ADVERT_INTENTS, None)  # nobody vouches for the spans that were found
    assert (third.intents, third.spans) == (frozenset({Intent.OTHER}), ())
    assert third.intents <= NOT_ADVERT
    written = path.read_text() + (path.parent / "README.md").read_text()
    assert not [word for word in ("Ann", "k1", "secret", "theirs", "a remark") if word in written]


def test_the_card_counts_the_rows_and_is_for_internal_use(engine: Engine, tmp_path: Path) -> None:
    say(engine, put(engine, lang="pl"), "advert", intent="sell")
    say(engine, put(engine, lang=None), "not_advert", source="feedback")
    path = tmp_path / "reviewed.jsonl"
    exported(engine, path)
    card, text = find_card(path, tmp_path / "none"), (tmp_path / "README.md").read_text()
    assert (card.licence, card.quotable, card.files["reviewed.jsonl"]["rows"]) == ("other", False, 2)
    assert "license_name: internal" in text
    assert "from 2026-12-01 to 2026-12-01" in text
    for line in ("| intent | sell | 1 |", "| language | unknown | 1 |", "| decided by | feedback | 1 |"):
        assert line in text
    assert oct(path.stat().st_mode)[-3:] == "600"


def test_obfuscated_stays_with_a_span_that_was_kept(engine: Engine, tmp_path: Path) -> None:
    one = put(engine, text="2~MMC here", marks=[(0, 5, "substance")])
    say(engine, one, "advert", spans=[Mark(0, 5, "substance")])
    exported(engine, tmp_path / "a.jsonl")
    assert read(str(tmp_path / "a.jsonl"))[0]["spans"] == [
        {"start": 0, "end": 5, "kind": "substance", "obfuscated": False}
    ]


def test_an_export_of_nothing_writes_a_card_that_says_so(engine: Engine, tmp_path: Path) -> None:
    assert export(engine, tmp_path / "a.jsonl", actor="test").rows == 0
    assert "0 posts" in (tmp_path / "README.md").read_text()


def test_since_chooses_by_the_time_of_the_decision_and_the_export_is_recorded(engine: Engine, tmp_path: Path) -> None:
    old, new = put(engine), put(engine)
    say(engine, old, "advert", now=NOW - timedelta(days=9))
    say(engine, new, "advert")
    path = tmp_path / "a.jsonl"
    _, corpus = exported(engine, path, since=NOW - timedelta(days=1))
    _, again = exported(engine, path)  # its own card may be written anew
    assert ([row.id for row in corpus.rows], len(again.rows)) == ([f"review-{new}"], 2)
    with pytest.raises(ValueError, match="holds data of others"):
        exported(engine, tmp_path / "b.jsonl")  # one card would have to speak for two files
    with engine.connect() as connection:
        last = list(records(connection))[-1]
    assert (last.action, last.details) == ("feedback.export", '{"rows":2,"since":null}')


@pytest.mark.parametrize("name", ["README.md", "a.jsonl"])
def test_data_of_others_is_never_overwritten(engine: Engine, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("theirs")
    with pytest.raises(ValueError, match="holds data of others"):
        export(engine, tmp_path / "a.jsonl", actor="test")
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".db" and "db" not in path.name] == [name]


def test_the_verb_writes_the_file_and_says_what_it_wrote(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPSIGHT_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    say(engine, put(engine), "advert")
    path = tmp_path / "out" / "a.jsonl"
    said = CliRunner().invoke(app, ["feedback", "export", str(path)])
    assert (said.exit_code, said.output.split(", ")[1]) == (0, f"1 posts; its card is {path.parent}/README.md\n")
    refused = CliRunner().invoke(app, ["feedback", "export", str(path), "--since", "yesterday"])
    assert refused.exit_code != 0
    assert "wanted a day" in refused.output
