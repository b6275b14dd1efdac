"""What the processes say of themselves: plain lines for a terminal, or a JSON object a line for a log store.

Whatever a record holds, it stays one line: nobody can write a line of their own by what they send.
"""

from __future__ import annotations

import logging
import sys
from enum import StrEnum

from pythonjsonlogger.json import JsonFormatter

from serving.observe.notes import request_id

PLAIN = "%(asctime)s %(process)d %(levelname)s %(message)s"
FIELDS = ("levelname", "name", "process", "message")
SHORT = {"levelname": "level", "name": "logger"}
OURS = "_npsight"  # marks the handler, so that a second app in the same process adds none


class LogFormat(StrEnum):
    """How lines are written."""

    PLAIN = "plain"
    JSON = "json"


class OneLine(logging.Formatter):
    """Write a record as one line, with the id of its request at the end."""

    def format(self, record: logging.LogRecord) -> str:
        """Escape what would begin another line, or move the cursor of a terminal."""
        named = f"{super().format(record)} request={found}" if (found := request_id()) else super().format(record)
        return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in named)


class Named(logging.Filter):
    """Add the id of the request to a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through."""
        record.request_id = request_id()
        return True


def formatter(form: LogFormat) -> logging.Formatter:
    """Make what writes a record."""
    if form == LogFormat.PLAIN:
        return OneLine(PLAIN)
    return JsonFormatter(
        FIELDS,
        rename_fields=SHORT,
        timestamp="time",
        reserved_attrs=[*logging.makeLogRecord({}).__dict__, "color_message"],
    )


def set_up_logs(form: LogFormat) -> None:
    """Send our own lines and those of libraries to stderr in one form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form))
    handler.addFilter(Named())
    setattr(handler, OURS, True)
    root = logging.getLogger()
    for each in [each for each in root.handlers if hasattr(each, OURS)]:
        root.removeHandler(each)
    root.addHandler(handler)
    logging.getLogger("npsight").setLevel(logging.INFO)
