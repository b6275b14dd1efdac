"""Prove that the audit chain is whole, or say where it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection

from serving.audit import ERASE, Head, Record, records, verify_link

MAX_FAULTS = 20  # after a break every record may be wrong; the first ones tell where


@dataclass(slots=True)
class Check:
    """What a walk along the chain found."""

    head: Head = field(default_factory=Head)
    faults: list[str] = field(default_factory=list)
    without: set[int] = field(default_factory=set)  # records whose details are gone
    erased: set[int] = field(default_factory=set)  # records that an erasure names

    def fault(self, sequence: int, said: str) -> None:
        """Keep a fault."""
        self.faults.append(f"record {sequence} {said}")


def verify(connection: Connection, *, expected: Head | None = None) -> Check:
    """Walk the whole chain in one snapshot; `expected` is a head that was noted earlier."""
    check = Check()
    met = expected is None or expected == Head()
    for record in records(connection):
        for said in _faults(record, check):
            check.fault(record.sequence, said)
        check.head = Head(record.sequence, record.hash)
        met = met or check.head == expected
    for sequence in sorted(check.without - check.erased):
        check.fault(sequence, "has lost its details, and no erasure names it")
    if not met:
        check.faults.append(f"the noted head {expected} is not in the chain: its end was cut off or written anew")
    return check


def _faults(record: Record, check: Check) -> Iterator[str]:
    yield from verify_link(record, check.head)
    if record.details is None:
        check.without.add(record.sequence)
    elif record.action == ERASE:
        yield from _note_erasure(record.details, check)


def _note_erasure(details: str, check: Check) -> Iterator[str]:
    try:
        named = set(map(int, json.loads(details)["records"]))
    except (ValueError, KeyError, TypeError):
        yield "is an erasure that names no records"
        return
    check.erased |= named
    if back := sorted(named - check.without):  # what is erased comes before its erasure, so it was walked already
        yield f"erased the details of {', '.join(map(str, back[:MAX_FAULTS]))}, and they are back"
