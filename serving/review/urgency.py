"""In which order cases wait, as one number.

`URGENCY` is expected harm, up to a quarter more where the detector is unsure, and `PER_DAY` more for each day of
waiting. A lead in harm is bounded and waiting is not, so no case starves; and since all grow at the same pace, their
order does not depend on when it is asked for.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from serving.store.tables import CASES

UNSURE = 0.25  # a coin toss counts a quarter more than a sure case of the same harm: its decision teaches the most
PER_DAY = 2.0  # a single post of the worst substances has a harm of 9, so it leads those of the mildest by three days


class _days(FunctionElement[float]):  # noqa: N801  # a function of the database, named as such
    """Days since some beginning, from a stored time: the one thing here that the databases write differently."""

    inherit_cache = True
    type = Float()


@compiles(_days, "sqlite")
def _days_sqlite(element: _days, compiler: SQLCompiler, **options: Any) -> str:
    return f"julianday({compiler.process(element.clauses, **options)})"


@compiles(_days, "postgresql")
def _days_postgresql(element: _days, compiler: SQLCompiler, **options: Any) -> str:
    return f"(EXTRACT(EPOCH FROM CAST({compiler.process(element.clauses, **options)} AS timestamptz)) / 86400)::float8"


URGENCY: ColumnElement[float] = CASES.c.harm * (1 + UNSURE * CASES.c.uncertainty) - PER_DAY * _days(CASES.c.opened)
"""The sort key; larger is sooner. A day less of waiting is a day's worth less, whatever the time is now."""
