"""A change of what judges posts is made and recorded together, and no change goes unrecorded."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from changing_place import Place  # type: ignore[import-not-found]  # pytest finds it beside this file
from sqlalchemy import Engine, event

from models.policy import load_policy, policy_to_json
from models.registry import Registry
from models.release import POLICY
from serving import audit, changes
from serving.audit_check import verify
from serving.changes import OutrunError
from serving.shadow_file import Wanted, read_wanted
from serving.store.engine import StoreError, open_engine

ACTOR = "key1"
WORDS = {"substance": "2-MMC", "nps_class": "cathinones", "kind": "slang", "lang": "en", "ambiguity": "low"}


def recorded(engine: Engine) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Give what the chain holds, after proving that it is whole."""
    with engine.connect() as connection:
        assert verify(connection).faults == []
        found = list(audit.records(connection))
    return [(each.actor, each.action, each.subject_id, json.loads(each.details or "")) for each in found]


def versions(engine: Engine) -> list[tuple[str, str, str, str]]:
    return [
        (action, subject, details["was"]["version"], details["now"]["version"])
        for _, action, subject, details in recorded(engine)
    ]


def policy_json(place: Place, **values: Any) -> bytes:
    policy = load_policy(place.registry.folder / "2026.1.1" / POLICY)
    return json.dumps(policy_to_json(policy) | {"name": "strict", "version": 0} | values).encode()


@pytest.fixture
def deaf(engine: Engine) -> Iterator[Engine]:
    """A store that takes a transaction and fails to commit it."""

    def refuse(_: Any) -> None:
        raise StoreError("commit")

    event.listen(engine, "commit", refuse)
    yield engine
    event.remove(engine, "commit", refuse)


def no_store(tmp_path: Path) -> Engine:
    """A database that cannot be opened."""
    engine = open_engine(f"sqlite:///{tmp_path / 'gone' / 'npsight.db'}")
    (tmp_path / "gone" / "npsight.db").unlink()
    (tmp_path / "gone").rmdir()
    return engine


def test_promoting_and_rolling_back_are_recorded_with_what_was(place: Place, engine: Engine) -> None:
    assert changes.promote(engine, place.registry, "2026.1.2", ACTOR).recorded
    assert changes.roll_back(engine, place.registry, ACTOR).value.version == "2026.1.1"
    assert versions(engine) == [
        ("promote", "release", "2026.1.1", "2026.1.2"),
        ("roll_back", "release", "2026.1.2", "2026.1.1"),
    ]
    first, second = (details for _, _, _, details in recorded(engine))
    assert first["was"] == second["now"]
    assert len(first["now"]["digest"]) == 64


def test_a_publication_is_recorded_and_leaves_no_half(place: Place, engine: Engine, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "other")
    release = changes.publish(engine, registry, place.registry.folder / "2026.1.1", ACTOR).value
    assert release.folder == registry.folder / "2026.1.1"
    with pytest.raises(ValueError, match="is already there"):
        changes.publish(engine, registry, place.registry.folder / "2026.1.1", ACTOR)
    assert [path.name for path in registry.folder.iterdir()] == ["2026.1.1"]
    assert versions(engine) == [("publish", "registry", "", "2026.1.1")]


def test_terms_are_recorded_by_name_and_digest(place: Place, engine: Engine) -> None:
    _, first = changes.add_term(engine, place.terms, "wibble", **WORDS, actor=ACTOR).value
    _, second = changes.retire_term(engine, place.terms, "<script>'; drop", ACTOR).value
    assert versions(engine) == [("add_term", "lexicon", "", first), ("retire_term", "lexicon", first, second)]
    assert [details["term"] for _, _, _, details in recorded(engine)] == ["wibble (en)", "<script>'; drop (*)"]


def test_a_policy_is_written_as_the_version_after_its_own(place: Place, engine: Engine) -> None:
    folder = place.strict.parent
    assert changes.put_policy(engine, folder, policy_json(place), ACTOR).value.label == "strict@1"
    assert changes.put_policy(engine, folder, policy_json(place, version=1, prevalence=0.01), ACTOR).recorded
    assert load_policy(place.strict).prevalence == 0.01
    assert changes.remove_policy(engine, folder, "strict", ACTOR).recorded
    assert not place.strict.exists()
    assert versions(engine) == [
        ("put_policy", "policy:strict", "", "strict@1"),
        ("put_policy", "policy:strict", "strict@1", "strict@2"),
        ("remove_policy", "policy:strict", "strict@2", ""),
    ]


def test_of_two_that_changed_the_same_policy_the_second_is_refused(place: Place, engine: Engine) -> None:
    folder, content = place.strict.parent, policy_json(place)
    outcomes: list[str] = []

    def put() -> None:
        try:
            outcomes.append(changes.put_policy(engine, folder, content, ACTOR).value.label)
        except OutrunError as error:
            outcomes.append(str(error))

    both = [threading.Thread(target=put) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(outcomes) == [
        "policy strict: found version 0, wanted 1, which was written meanwhile",
        "strict@1",
    ]
    assert len(recorded(engine)) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "../strict"}, "the policy's name: wanted"),
        ({"name": ""}, "the policy's name: wanted"),
        ({"name": ".hidden"}, "the policy's name: wanted"),
        ({"name": 7}, "the policy's name: wanted"),
        ({"version": -1}, "found the version -1"),
        ({"version": True}, "found the version True"),
        ({"version": "1"}, "found the version '1'"),
        ({"prevalence": 0}, "prevalence is 0"),
        ({"bands": {}}, "found bands for none"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_policy_is_refused_and_nothing_recorded(
    place: Place, engine: Engine, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said.replace("'", ".")):
        changes.put_policy(engine, place.strict.parent, policy_json(place, **values), ACTOR)
    assert list(place.strict.parent.iterdir()) == []
    assert recorded(engine) == []


def test_a_removed_policy_does_not_come_back_under_an_old_version(place: Place, engine: Engine) -> None:
    changes.put_policy(engine, place.strict.parent, policy_json(place, version=6), ACTOR)
    changes.remove_policy(engine, place.strict.parent, "strict", ACTOR)
    with pytest.raises(ValueError, match="found no policy"):
        changes.remove_policy(engine, place.strict.parent, "strict", ACTOR)
    assert changes.put_policy(engine, place.strict.parent, policy_json(place), ACTOR).value.label == "strict@1"


def test_a_shadow_is_started_and_stopped_and_is_never_the_live_release(place: Place, engine: Engine) -> None:
    with pytest.raises(ValueError, match=r"2026\.1\.1 is live"):
        changes.start_shadow(engine, place.registry, Wanted("2026.1.1", 0.1), ACTOR)
    with pytest.raises(ValueError, match="no version '9'"):
        changes.start_shadow(engine, place.registry, Wanted("9", 0.1), ACTOR)
    changes.start_shadow(engine, place.registry, Wanted("2026.1.2", 0.25), ACTOR)
    assert read_wanted(place.registry.folder) == Wanted("2026.1.2", 0.25)
    changes.stop_shadow(engine, place.registry, ACTOR)
    assert versions(engine) == [
        ("start_shadow", "shadow", "", "2026.1.2 on 0.25"),
        ("stop_shadow", "shadow", "2026.1.2 on 0.25", ""),
    ]


def test_a_refused_change_is_not_recorded(place: Place, engine: Engine) -> None:
    with pytest.raises(ValueError, match="no version 'x'"):
        changes.promote(engine, place.registry, "x", ACTOR)
    with pytest.raises(ValueError, match="nothing to roll back to"):
        changes.roll_back(engine, place.registry, ACTOR)
    with pytest.raises(ValueError, match="found the kind"):
        changes.add_term(engine, place.terms, "wibble", **WORDS | {"kind": "sweets"}, actor=ACTOR)
    assert recorded(engine) == []


def test_nothing_is_changed_while_the_store_cannot_record_it(place: Place, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        changes.promote(no_store(tmp_path), place.registry, "2026.1.2", ACTOR)
    assert place.registry.live_version() == "2026.1.1"


def test_a_change_whose_record_fails_stands_and_says_so(place: Place, deaf: Engine) -> None:
    changed = changes.promote(deaf, place.registry, "2026.1.2", ACTOR)
    assert (changed.value.version, changed.recorded) == ("2026.1.2", False)
    assert place.registry.live_version() == "2026.1.2"


def test_without_a_store_a_bad_release_is_rolled_back_all_the_same(place: Place) -> None:
    place.registry.promote("2026.1.2")
    changed = changes.roll_back(None, place.registry, ACTOR)
    assert (changed.value.version, changed.recorded) == ("2026.1.1", False)
