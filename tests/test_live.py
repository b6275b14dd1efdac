"""A release, a policy or a term changed while requests are judged."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from callers import from_here  # type: ignore[import-not-found]  # pytest finds it beside this file
from changing_place import Place  # type: ignore[import-not-found]  # pytest finds it beside this file
from fastapi.testclient import TestClient

from models.detector import Detector
from models.lexicon import Lexicon
from models.overlay import retire_term
from models.registry import LIVE
from models.release import GRAPH, LEXICON
from models.termlist import digest, read_terms
from models.verdict import Post, Verdict
from serving.app import live_app
from serving.live import Live, Snapshot
from serving.loading import Loader

ADVERT = "fresh batch landed clean gear ready 2-MMC dm for prices crypto only"
NEW = "fresh batch landed wibble dm for prices crypto only"
SECRET = "zebra-quartz"


def judged(loader: Loader, text: str, policy: str = "default") -> Verdict:
    return loader.snapshot.detects[policy]([Post("a", text)])[0]


def named(verdict: Verdict) -> list[str]:
    return [each.name for each in verdict.substances]


def detector(loader: Loader, policy: str = "default") -> Detector:
    found = loader.snapshot.detects[policy]
    assert isinstance(found, Detector)
    return found


def test_nothing_changed_gives_the_same_snapshot(place: Place) -> None:
    loader = Loader(place.settings())
    assert loader() == (loader.snapshot, [])
    assert loader()[0] is loader.snapshot


def test_an_added_term_works_and_a_retired_one_stops_without_loading_the_network(place: Place) -> None:
    loader = Loader(place.settings())
    before = detector(loader)
    assert named(judged(loader, ADVERT)) == ["2-MMC"]
    place.add("wibble")
    retire_term(place.terms, "2-mmc")
    assert loader()[1] == []
    assert "2-MMC" in named(judged(loader, NEW))
    assert "2-MMC" not in named(judged(loader, ADVERT))
    assert detector(loader).scorer is before.scorer


def test_the_lexicon_version_names_the_base_and_the_overlay(place: Place) -> None:
    base = Lexicon.load(place.registry.folder / "2026.1.1" / LEXICON)
    loader = Loader(place.settings())
    assert judged(loader, NEW).lexicon == base.version
    said = place.add("wibble")
    loader()
    assert judged(loader, NEW).lexicon == f"{base.version}+{said}"
    assert said == digest(read_terms(place.terms))
    assert loader.snapshot.release["lexicon"] == f"{base.version}+{said}"


def test_policies_are_added_changed_and_removed_without_loading_the_network(place: Place) -> None:
    loader = Loader(place.settings())
    before = detector(loader)
    place.write_policy(version=7)
    loader()
    assert judged(loader, ADVERT, "strict").policy == "strict@7"
    assert detector(loader, "strict").reads_as(before)
    assert detector(loader) is before
    place.write_policy(version=8)
    loader()
    assert judged(loader, ADVERT, "strict").policy == "strict@8"
    place.strict.unlink()
    loader()
    assert "strict" in loader.snapshot.detects  # an editor may be about to put it back
    loader()
    assert sorted(loader.snapshot.detects) == ["default"]


def test_a_promoted_release_comes_into_force_and_a_rolled_back_one_goes(place: Place) -> None:
    place.add("wibble")
    place.write_policy(version=7)
    loader = Loader(place.settings())
    place.registry.promote("2026.1.2")
    assert loader()[1] == []
    verdict = judged(loader, NEW, "strict")
    assert (verdict.release, verdict.policy, named(verdict)) == ("2026.1.2", "strict@7", ["2-MMC"])
    place.registry.roll_back()
    loader()
    assert judged(loader, NEW, "strict").release == "2026.1.1"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f'{{"name": "{SECRET}', "strict.json: is not JSON: "),
        ("", "strict.json: is not JSON: "),
        (f'"{SECRET}"', "strict.json: has an unknown key"),
        (f'{{"name": "strict", "{SECRET}": 1}}', "strict.json: has an unknown key"),
        ("\xff", "strict.json: is not UTF-8"),
    ],
)
def test_a_broken_policy_keeps_the_old_one_and_is_not_quoted(place: Place, content: str, said: str) -> None:
    place.write_policy(version=7)
    loader = Loader(place.settings())
    place.strict.write_bytes(content.encode("latin-1"))
    place.add("wibble")
    (fault,) = loader()[1]
    assert fault.startswith(said)
    assert SECRET not in fault
    assert judged(loader, NEW, "strict").policy == "strict@7"
    assert named(judged(loader, NEW)) == ["2-MMC"]  # what is not broken changes all the same
    place.write_policy(version=8)
    assert loader()[1] == []
    assert judged(loader, ADVERT, "strict").policy == "strict@8"


@pytest.mark.parametrize("changed", [{"name": "loose"}, {"prevalence": 2}, {"bands": {}}, {"bands": {"sell": 3}}])
def test_a_policy_of_wrong_values_keeps_the_old_one(place: Place, changed: dict[str, Any]) -> None:
    place.write_policy(version=7)
    loader = Loader(place.settings())
    values = json.loads(place.strict.read_text(encoding="utf-8"))
    place.strict.write_text(json.dumps(values | {"version": 8} | changed), encoding="utf-8")
    (fault,) = loader()[1]
    assert fault.startswith("strict.json: h")
    assert judged(loader, ADVERT, "strict").policy == "strict@7"


def test_a_half_written_file_is_read_again_at_the_next_look(place: Place) -> None:
    loader = Loader(place.settings())
    place.add("wibble")
    whole = place.terms.read_bytes()
    for half in (b"", whole[:20], whole[:-20]):
        place.terms.write_bytes(half)
        assert loader()[1][0].startswith("terms.tsv: is not a list of terms, see its line ")
    place.terms.write_bytes(whole)
    assert loader()[1] == []
    assert named(judged(loader, NEW)) == ["2-MMC"]


def test_a_terms_file_that_is_gone_keeps_its_terms_and_an_empty_list_takes_them_out(place: Place) -> None:
    place.add("wibble")
    loader = Loader(place.settings())
    whole = place.terms.read_text(encoding="utf-8")
    place.terms.unlink()
    assert loader()[1] == ["terms.tsv: cannot be read: No such file or directory"]
    assert named(judged(loader, NEW)) == ["2-MMC"]
    place.terms.write_text(whole.partition("\n")[0] + "\n", encoding="utf-8")
    assert loader()[1] == []
    assert "+" not in judged(loader, NEW).lexicon


@pytest.mark.parametrize(
    ("live", "said"),
    [
        ("[", "the live release: live.json is not JSON"),
        ('{"a": 1}', "the live release: live.json is not a list of versions"),
        ("[]", "the live release: none was promoted"),
        (f'["{SECRET}"]', "the live release: the registry does not hold the version"),
    ],
)
def test_a_broken_live_json_keeps_the_old_release(place: Place, live: str, said: str) -> None:
    loader = Loader(place.settings())
    (place.registry.folder / LIVE).write_text(live, encoding="utf-8")
    assert loader()[1] == [said]
    assert judged(loader, ADVERT).release == "2026.1.1"


def test_a_release_of_another_checksum_keeps_the_old_one_until_it_is_mended(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = Loader(place.settings())
    graph = place.registry.folder / "2026.1.2" / GRAPH
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-1])
    (place.registry.folder / LIVE).write_text('["2026.1.1", "2026.1.2"]', encoding="utf-8")
    assert loader()[1] == ["the live release: model.onnx has another checksum than the manifest lists"]
    assert judged(loader, ADVERT).release == "2026.1.1"
    graph.write_bytes(whole)
    now = time.monotonic() + 60
    monkeypatch.setattr("serving.watched.time.monotonic", lambda: now)
    assert loader()[1] == []
    assert judged(loader, ADVERT).release == "2026.1.2"


def test_what_fails_its_warm_up_does_not_come_into_force(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = Loader(place.settings())
    place.add("wibble")

    def broken(self: Detector, posts: Sequence[Post]) -> list[Verdict]:
        raise ValueError(SECRET)

    with monkeypatch.context() as patched:
        patched.setattr(Detector, "__call__", broken)
        assert loader()[1] == ["what was loaded: holds a value that is not allowed"]
    assert "+" not in judged(loader, NEW).lexicon


# --- the watcher and the API ---------------------------------------------------------------------------


def is_ready(client: TestClient) -> bool:
    said = client.get("/readyz").json()
    return said["status"] == "ready" and "not_in_force" not in said


def test_the_log_and_readyz_say_what_is_not_in_force(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.write_policy(version=7)
    settings = place.settings(watch_seconds=0.05)
    loader = Loader(settings)
    with (
        caplog.at_level(logging.INFO),
        TestClient(from_here(live_app(loader.snapshot, settings, loader))) as client,
    ):
        eventually(lambda: is_ready(client))
        place.strict.write_text(f'{{"{SECRET}"', encoding="utf-8")
        eventually(lambda: "not_in_force" in client.get("/readyz").json())
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (200, "ready")
        assert answer.json()["not_in_force"][0].startswith("strict.json: is not JSON")
        place.write_policy(version=8)
        eventually(lambda: client.get("/v1/release").json()["policies"]["strict"] == "strict@8")
        eventually(lambda: is_ready(client))
    assert SECRET not in caplog.text + answer.text
    said = [record.message for record in caplog.records if record.name == "npsight.serving"]
    assert [line.partition(":")[0] for line in said] == [
        "watching for changes every 0.05 s",
        "not in force",
        "mended",
        "in force now",
    ]
    assert "strict@8" in said[-1]


def test_a_look_that_fails_is_said_and_looked_again(caplog: pytest.LogCaptureFixture) -> None:
    old, new, looks = snapshot("1"), snapshot("2"), 0

    def look() -> tuple[Snapshot, list[str]]:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise RuntimeError(SECRET)
        return new, []

    async def watch() -> Live:
        live = Live(old, look, every=0.01)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(live.watch(), 0.3)
        return live

    live = asyncio.run(watch())
    assert live.snapshot is new
    assert "looking for changes failed: RuntimeError" in caplog.text
    assert SECRET not in caplog.text


def snapshot(version: str) -> Snapshot:
    return Snapshot({"default": lambda posts: []}, {"version": version})


def eventually(condition: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_changes_under_load_fail_no_request_and_mix_no_versions(place: Place) -> None:
    place.write_policy(version=7)
    settings = place.settings(watch_seconds=0.1, deadline_seconds=60)
    loader = Loader(settings)
    app = live_app(loader.snapshot, settings, loader)
    seen: list[set[tuple[str, str, str]]] = []
    stop = asyncio.Event()

    async def client_of(client: httpx.AsyncClient) -> None:
        body = {"posts": [{"id": str(number), "text": NEW} for number in range(12)], "policy": "strict"}
        while not stop.is_set():
            answer = await client.post("/v1/classify", json=body)
            assert answer.status_code == 200
            seen.append({(each["release"], each["lexicon"], each["policy"]) for each in answer.json()["verdicts"]})

    async def change() -> None:
        await in_force(lambda versions: versions[0] == "2026.1.1")
        place.write_policy(version=8)
        await in_force(lambda versions: versions[2] == "strict@8")
        place.add("wibble")
        await in_force(lambda versions: "+" in versions[1])
        place.registry.promote("2026.1.2")
        await in_force(lambda versions: versions[0] == "2026.1.2")
        place.registry.roll_back()
        await in_force(lambda versions: versions[0] == "2026.1.1")
        stop.set()

    async def in_force(condition: Callable[[tuple[str, str, str]], bool]) -> None:
        deadline = time.monotonic() + 30
        while not seen or not all(map(condition, seen[-1])):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)

    async def load() -> None:
        transport = httpx.ASGITransport(from_here(app))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(6):
                tasks.create_task(client_of(client))
            tasks.create_task(change())

    asyncio.run(load())
    assert all(len(versions) == 1 for versions in seen)
    assert len(set.union(*seen)) == 4  # at first, with the policy, with the term too, and under the other release
