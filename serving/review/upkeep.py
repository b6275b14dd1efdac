"""What the verbs `purge`, `erase` and `secrets` do: functions that take values and give lines to print."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from serving.keep import actor, opened
from serving.review import pseudonyms
from serving.review.erasure import Erased, erase_author, erase_post
from serving.review.purge import Ages, flush
from serving.review.purge import purge as purge_store
from serving.settings import Settings
from serving.store.engine import writing


def purge(*, dry_run: bool) -> Iterator[str]:
    """Delete what is too old, and count it."""
    settings = Settings()
    ages = Ages(settings.text_days, settings.record_days)
    with opened() as engine:
        counts = purge_store(engine, ages, actor=actor(), now=datetime.now(UTC), dry_run=dry_run)
    for name, count in counts.items():
        yield f"{name}: {count}"
    yield "nothing was deleted: a dry run" if dry_run else "deleted"


def erase(*, author: str | None, post: str | None, platform: str | None) -> str:
    """Erase one author or one post."""
    if (author is None) == (post is None):
        raise ValueError("wanted one of --author and --post")
    if platform is not None and post is None:
        raise ValueError("--platform goes with --post only: an author's hash stands for one platform's id already")
    with opened() as engine:
        with writing(engine) as connection:
            if author is not None:
                erased = erase_author(connection, author, actor=actor())
            else:
                erased = erase_post(connection, post or "", platform=platform, actor=actor())
        flush(engine)
    return _said(erased)


def rotate(purpose: str) -> str:
    """Retire a secret and make a new one."""
    try:
        wanted = pseudonyms.Purpose(purpose)
    except ValueError:
        known = ", ".join(pseudonyms.Purpose)
        raise ValueError(f"{purpose!r} is no purpose of a secret: wanted one of {known}") from None
    with opened() as engine, writing(engine) as connection:
        made = pseudonyms.rotate(connection, wanted, actor=actor(), now=datetime.now(UTC))
    return f"rotated: {wanted} are hidden by secret {made.id} from now on"


def _said(erased: Erased) -> str:
    if not erased.verdicts:
        return "nothing is kept of it"
    return f"erased: {erased.verdicts} verdicts in {erased.cases} cases, details of {erased.records} audit records"
