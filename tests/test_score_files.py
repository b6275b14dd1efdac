from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.verdict import INTENTS, Decision, Intent, Kind, Post, Span, Verdict
from models.wire import verdict_to_json
from serving import batch, delimited
from serving.batch import Tally, score_file
from serving.sources import SourceError

seen: list[Post] = []


def detect(posts: Sequence[Post]) -> list[Verdict]:
    seen.extend(posts)
    return [
        Verdict(
            id=post.id,
            decision=Decision.REVIEW if "gram" in post.text else Decision.ALLOW,
            advert_probability=0.25,
            intents={intent: 0.75 if intent is Intent.SELL else 0.0357 for intent in INTENTS},
            spans=[Span(0, 1, Kind.SLANG, post.text[0])],
            reasons=["a \u201creason\u201d, with a comma"],
            policy="default@1",
        )
        for post in posts
    ]


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen.clear()


def score(folder: Path, name: str, content: bytes | str, **options: Any) -> Tally:
    source = folder / name
    source.write_bytes(content.encode() if isinstance(content, str) else content)
    return score_file(detect, source, folder / "out.jsonl", **options)


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


POSTS = [{"id": "a", "text": "10 a gram, \u00e9t\u00e9", "country": "NL"}, {"id": "b", "text": 'said "hi"\nthere'}]


def as_csv(rows: Iterable[dict[str, str]], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    table = csv.DictWriter(text, ["id", "text", "country"], delimiter=delimiter)
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()


def as_jsonl(rows: Iterable[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_parquet(rows: list[dict[str, Any]], **options: Any) -> bytes:
    stream = io.BytesIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows])
    pq.write_table(table, stream, **options)
    return stream.getvalue()


FORMS: dict[str, bytes] = {
    "posts.csv": as_csv(POSTS),
    "posts.CSV": as_csv(POSTS),
    "posts.tsv": as_csv(POSTS, "\t"),
    "posts.jsonl": as_jsonl(POSTS),
    "posts.ndjson": as_jsonl(POSTS).rstrip(),
    "posts.csv.gz": gzip.compress(as_csv(POSTS)),
    "posts.tsv.gz": gzip.compress(as_csv(POSTS, "\t")),
    "posts.jsonl.gz": gzip.compress(as_jsonl(POSTS)),
    "posts.parquet": as_parquet(POSTS),
    "bom.csv": b"\xef\xbb\xbf" + as_csv(POSTS),
    "bom.jsonl": b"\xef\xbb\xbf" + as_jsonl(POSTS),
    "blank.jsonl": b"\n" + as_jsonl(POSTS).replace(b"\n", b"\r\n\r\n"),
    "old-mac.csv": as_csv(POSTS).replace(b"\r\n", b"\r"),
    "blank.csv": as_csv(POSTS).replace(b"\r\n", b"\r\n\r\n"),
    "small-groups.parquet": as_parquet(POSTS, row_group_size=1),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_posts(tmp_path: Path, name: str) -> None:
    tally = score(tmp_path, name, FORMS[name])
    assert (tally.scored, tally.malformed) == (2, 0)
    assert seen == [Post("a", POSTS[0]["text"], country="NL"), Post("b", POSTS[1]["text"])]
    assert [row["decision"] for row in read_jsonl(tmp_path / "out.jsonl")] == ["review", "allow"]


def test_plain_text_is_a_post_a_line(tmp_path: Path) -> None:
    tally = score(tmp_path, "posts.txt", 'first, "post"\r\n\n{"id": "x", "text": "second"}\n{not json\n')
    assert [(post.id, post.text) for post in seen] == [("1", 'first, "post"'), ("x", "second")]
    assert tally.problems == [
        (4, "is not JSON: Expecting property name enclosed in double quotes at column 2"),
    ]


MALFORMED: list[tuple[str, bytes, list[str], list[tuple[int, str]]]] = [
    ("a.jsonl", b'{"text": "ok"}\n{"text": \n{"text": "ok"}\n', ["1", "3"], [(2, "not JSON")]),
    ("a.jsonl", b'{"text": "ok"}\n{"txt": "x"}\n', ["1"], [(2, "text is missing")]),
    ("a.jsonl", b'{"text": "ok"}\n{"text": null}\n', ["1"], [(2, "text is missing")]),
    ("a.jsonl", b'{"text": ""}\n{"text": " \\n"}\n', [], [(1, "empty"), (2, "white space")]),
    ("a.jsonl", b'{"text": 5}\n{"text": NaN}\n{"text": {}}\n', [], [(n, "not a string") for n in (1, 2, 3)]),
    ("a.jsonl", b'{"text": "a\xff"}\n{"text": "ok"}\n', ["2"], [(1, "UTF-8")]),
    ("a.jsonl", b'{"text": "a\\ud800"}\n{"text": "ok"}\n', ["2"], [(1, "surrogate")]),
    ("a.jsonl", b'{"text": "a\\u0000"}\n{"text": "a\0"}\n', [], [(1, "NUL"), (2, "NUL")]),
    ("a.jsonl", b'{"text": "ok", "id": "\\udfff"}\n', [], [(1, "id has a lone surrogate")]),
    ("a.jsonl", b'["text"]\n"text"\n7\n', [], [(n, "not a JSON object") for n in (1, 2, 3)]),
    ("a.jsonl", b'{"text":' * 20_000 + b'\n{"text": "ok"}\n', ["2"], [(1, "not JSON that can be read")]),
    ("a.jsonl", b'{"text": "ok", "n": ' + b"9" * 5000 + b"}\n", [], [(1, "not JSON that can be read")]),
    ("a.csv", b"id,text\na,ok\nb\nc,ok,\nd,ok\n", ["a", "d"], [(3, "1 fields, the header has 2"), (4, "3 fields")]),
    ("a.csv", b"id,text\na,\nb,ok\n", ["b"], [(2, "empty")]),
    ("a.csv", b"id,text\na,x\xe9\nb,ok\n", ["b"], [(2, "UTF-8")]),
    ("a.csv", b"id,text\na,x\0\nb,ok\n", ["b"], [(2, "NUL")]),
    ("a.csv", b'id,text\na,"open\nb,ok\nc,"two\nlines"\n', ["b", "c"], [(2, "quote")]),
    ("a.csv", b'id,text\na,"open\nb,ok\nc,ok\n', ["b", "c"], [(2, "quote")]),
    ("a.csv", b'id,text\na,ok\nb,"open', ["a"], [(3, "quote")]),
    ("a.csv", b'id,text\na,"x" y\nb,ok\n', ["b"], [(2, "quote")]),
    ("a.csv", b'"id","text"\n"a","open\n"b","ok"\n"c","ok"\n', ["b", "c"], [(2, "quote")]),
    ("a.tsv", b"id\ttext\na\tone, two\nb\tx\ty\n", ["a"], [(3, "3 fields")]),
    ("a.csv", b'id,text\r\na,"two\r\nlines"\r\n,ok\r\nc\r\n', ["a", "4"], [(5, "1 fields")]),
]


@pytest.mark.parametrize(("name", "content", "ids", "problems"), MALFORMED)
def test_a_malformed_line_is_reported_with_its_number_and_the_rest_goes_on(
    tmp_path: Path, name: str, content: bytes, ids: list[str], problems: list[tuple[int, str]]
) -> None:
    tally = score(tmp_path, name, content)
    assert [post.id for post in seen] == ids == [row["id"] for row in read_jsonl(tmp_path / "out.jsonl")]
    assert (tally.scored, tally.malformed) == (len(ids), len(problems))
    assert [line for line, _ in tally.problems] == [line for line, _ in problems]
    for (_, said), (_, wanted) in zip(tally.problems, problems, strict=True):
        assert wanted in said


def test_a_parquet_string_that_is_not_utf8_spoils_one_row_only(tmp_path: Path) -> None:
    text = pa.Array.from_buffers(pa.string(), 3, pa.array([b"ok", b"a\xff", b"ok"], pa.binary()).buffers())
    pq.write_table(pa.table({"text": text, "lang": pa.array(["en", None, "nl"])}), tmp_path / "a.parquet")
    tally = score_file(detect, tmp_path / "a.parquet", tmp_path / "out.jsonl")
    assert [(post.id, post.lang) for post in seen] == [("1", "en"), ("3", "nl")]
    assert [line for line, _ in tally.problems] == [2]


def test_the_kinds_of_parquet_columns_are_read(tmp_path: Path) -> None:
    rows = {
        "id": pa.array([7, 8]),
        "text": pa.array(["one", "two"]).dictionary_encode(),
        "author": pa.array([1.0, float("nan")]),
        "platform": pa.array(["x", None], pa.large_string()),
        "created_at": pa.array([datetime(2026, 1, 2, 3), None], pa.timestamp("ms")),
    }
    pq.write_table(pa.table(rows), tmp_path / "a.parquet")
    assert score_file(detect, tmp_path / "a.parquet", tmp_path / "out.jsonl").scored == 2
    assert seen == [
        Post("7", "one", author="1.0", platform="x", created_at="2026-01-02T03:00:00"),
        Post("8", "two"),
    ]


def test_only_the_first_problems_are_kept_and_all_are_counted(tmp_path: Path) -> None:
    tally = score(tmp_path, "a.jsonl", "{\n" * 50)
    assert (tally.malformed, len(tally.problems)) == (50, 20)


def test_other_columns_never_reach_the_detector_or_the_verdict(tmp_path: Path) -> None:
    score(tmp_path, "a.jsonl", '{"text": "x", "label": "sell", "intent": "sell", "lang": "en", "spans": [1]}\n')
    assert seen == [Post("1", "x", lang="en")]
    assert read_jsonl(tmp_path / "out.jsonl") == [verdict_to_json(detect([Post("1", "x")])[0])]


def test_a_field_that_is_not_understood_is_left_out_and_said(tmp_path: Path) -> None:
    score(tmp_path, "a.csv", "text,country,created_at,lang\nx,Germany,last week,en\n")
    assert seen == [Post("2", "x", lang="en")]
    assert read_jsonl(tmp_path / "out.jsonl")[0]["warnings"] == [
        "country is not two capital letters (ISO 3166-1 alpha-2): left out",
        "created_at is not an ISO 8601 date or time: left out",
    ]


def test_columns_can_be_named(tmp_path: Path) -> None:
    score(tmp_path, "a.csv", "n,body\n9,x\n", text_column="body", id_column="n")
    assert seen == [Post("9", "x")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"id,body\n1,x\n", "no column 'text'; columns found: 'id', 'body'"),
        ("a.csv", b"id;text\n1;x\n", "no column 'text'; columns found: 'id;text'"),
        ("a.csv", b"", "no column 'text'; columns found: none"),
        ("a.csv", b"id,text,text\n1,x,y\n", "more than one column is called 'text'"),
        ("a.csv", b'id,"text\n1,x\n', "line 1, the header, is not CSV"),
        ("a.csv", "id,text\n1,x\n".encode("utf-16"), "UTF-16, wanted UTF-8"),
        ("a.jsonl", '{"text": "x"}\n'.encode("utf-16"), "UTF-16, wanted UTF-8"),
        ("a.csv", b"caf\xe9,body\n1,x\n", r"columns found: 'caf\\udce9', 'body'"),
        ("a.jsonl", b'{"id": 1, "body": "x"}\n{"id": 2}\n', "no column 'text'; columns found: 'body', 'id'"),
        ("a.parquet", as_parquet([{"id": 1, "body": "x"}]), "no column 'text'; columns found: 'id', 'body'"),
        ("a.parquet", b"PAR1 no", "is not Parquet"),
        ("a.parquet", as_parquet(POSTS)[:-9], "is not Parquet"),
        ("a.csv.gz", b"id,text\n1,x\n", "is not whole gzip"),
        ("a.jsonl.gz", gzip.compress(as_jsonl(POSTS * 999))[:-20], "is not whole gzip"),
        ("a.xlsx", b"", "wants .csv"),
        ("a.parquet.gz", b"", "wants .csv"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_is_one_error_and_leaves_no_output(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    with pytest.raises(SourceError, match=said.replace("(", r"\(")):
        score(tmp_path, name, content)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_id_column_asked_for_and_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no column 'key'"):
        score(tmp_path, "a.csv", "id,text\n1,x\n", id_column="key")


def test_a_run_that_breaks_leaves_the_old_output_and_no_half_one(tmp_path: Path) -> None:
    def broken(posts: Sequence[Post]) -> list[Verdict]:
        if posts[0].id == "3":
            raise KeyboardInterrupt
        return detect(posts)

    (tmp_path / "a.txt").write_text("x\n" * 9)
    (tmp_path / "out.csv").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        score_file(broken, tmp_path / "a.txt", tmp_path / "out.csv", batch_size=1)
    assert {path.name: path.read_text() for path in tmp_path.glob("*out*")} == {"out.csv": "old"}


def test_a_long_csv_field_and_an_oversized_post_are_scored_whole(tmp_path: Path) -> None:
    tally = score(tmp_path, "a.csv", f'id,text\na,"{"x" * 300_000}"\nb,ok\n')
    assert (tally.scored, [len(post.text) for post in seen]) == (2, [300_000, 2])


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt"])
def test_a_line_too_long_to_hold_is_passed_over(tmp_path: Path, name: str) -> None:
    head = {"a.csv": "text\n", "a.jsonl": '{"text": "ok"}\n', "a.txt": "ok\n"}[name]
    last = '{"text": "ok"}' if name == "a.jsonl" else "ok"
    tally = score(tmp_path, name, head + "x" * (2 * delimited.MAX_RECORD + 5) + "\n" + last)
    assert tally.problems == [(2, f"is longer than {delimited.MAX_RECORD} characters")]
    assert seen[-1] == Post("3", "ok")


def test_an_unclosed_quote_takes_no_more_than_its_own_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MAX_RECORD", 200)
    tally = score(tmp_path, "a.csv", 'id,text\na,"open\n' + "".join(f"{n},fine\n" for n in range(500)))
    assert (tally.scored, [line for line, _ in tally.problems]) == (500, [2])


def test_posts_are_scored_in_batches_cut_short_when_posts_are_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "BATCH_CHARACTERS", 10)
    done: list[int] = []
    score(
        tmp_path,
        "a.txt",
        "abc\n" * 5 + "abcdefghijk\n" + "z\n" * 2,
        batch_size=3,
        on_progress=lambda tally: done.append(tally.scored),
    )
    assert done == [3, 6, 8]


def read_csv(path: Path) -> list[dict[str, Any]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_parquet(path: Path) -> list[dict[str, Any]]:
    return list(pq.read_table(path).to_pylist())


@pytest.mark.parametrize(
    ("name", "read"), [("out.csv", read_csv), ("out.csv.gz", read_csv), ("out.parquet", read_parquet)]
)
def test_tables_hold_flat_columns(tmp_path: Path, name: str, read: Callable[[Path], list[dict[str, Any]]]) -> None:
    (tmp_path / "a.jsonl").write_bytes(as_jsonl(POSTS))
    score_file(detect, tmp_path / "a.jsonl", tmp_path / name)
    first, second = read(tmp_path / name)
    assert list(first)[:4] == ["id", "decision", "advert_probability", "intent_sell"]
    assert (first["id"], first["decision"], second["id"], second["decision"]) == ("a", "review", "b", "allow")
    assert (float(first["advert_probability"]), float(first["intent_sell"])) == (0.25, 0.75)
    assert json.loads(first["reasons"]) == ["a \u201creason\u201d, with a comma"]
    assert json.loads(first["spans"])[0]["kind"] == "slang"
    assert (first["warnings"], first["policy"]) == ("[]", "default@1")


def test_jsonl_can_be_packed_and_is_the_same_each_time(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(as_jsonl(POSTS))
    for name in ("one.jsonl.gz", "two.jsonl.gz"):
        score_file(detect, tmp_path / "a.jsonl", tmp_path / name)
    assert (tmp_path / "one.jsonl.gz").read_bytes() == (tmp_path / "two.jsonl.gz").read_bytes()
    assert len(gzip.decompress((tmp_path / "one.jsonl.gz").read_bytes()).splitlines()) == 2


def test_parquet_is_written_by_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.sinks.ROW_GROUP", 4)
    (tmp_path / "a.txt").write_text("x\n" * 10)
    score_file(detect, tmp_path / "a.txt", tmp_path / "out.parquet", batch_size=3)
    table = pq.ParquetFile(tmp_path / "out.parquet")
    assert [table.metadata.row_group(n).num_rows for n in range(table.num_row_groups)] == [4, 4, 2]
    assert [row["id"] for row in read_parquet(tmp_path / "out.parquet")] == [str(n) for n in range(1, 11)]


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.jsonl"])
def test_a_source_without_posts_gives_a_whole_empty_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"")
    assert score_file(detect, tmp_path / "a.jsonl", tmp_path / name) == Tally()
    assert (tmp_path / name).exists()


@pytest.mark.parametrize("out", [None, "-"])
def test_standard_input_goes_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], out: str | None
) -> None:
    stdin = io.BytesIO('caf\u00e9 by the gram\n{"id": "j", "text": "x"}\n'.encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(stdin), encoding="ascii"))
    assert score_file(detect, "-", out).scored == 2
    assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == ["1", "j"]
    assert not sys.stdin.buffer.closed


@pytest.mark.parametrize("name", ["out.xlsx", "out", "out.parquet.gz"])
def test_an_output_of_unknown_form_is_refused_before_work(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.txt").write_text("x\n")
    with pytest.raises(ValueError, match=r"wants \.jsonl or \.csv"):
        score_file(detect, tmp_path / "a.txt", tmp_path / name)
    assert not seen


def test_the_source_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(as_jsonl(POSTS))
    with pytest.raises(ValueError, match="is the source"):
        score_file(detect, tmp_path / "a.jsonl", tmp_path / "b" / ".." / "a.jsonl")


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "out.jsonl"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    (tmp_path / "a.txt").write_text("x\n")
    score_file(detect, tmp_path / "a.txt", pipe)
    reader.join(5)
    assert json.loads(got[0])["id"] == "1"
    assert pipe.is_fifo()


def test_a_link_keeps_pointing_where_it_did(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x\n")
    (tmp_path / "real.jsonl").touch()
    (tmp_path / "out.jsonl").symlink_to("real.jsonl")
    score_file(detect, tmp_path / "a.txt", tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").is_symlink()
    assert len(read_jsonl(tmp_path / "real.jsonl")) == 1


def test_a_missing_file_says_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        score_file(detect, tmp_path / "none.csv", tmp_path / "out.jsonl")


def test_scoring_a_file_loads_no_web_stack() -> None:
    code = "import sys, serving.batch; print({'fastapi', 'starlette', 'pydantic', 'pandas'} & sys.modules.keys())"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "set()"
