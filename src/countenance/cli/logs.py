"""The engineers' log: one JSON object a line, fixed messages with attributes; it is not *the* record.

Of an exception only its kind and the places it passed are written, never its message: a foreign library's message may
quote what it was given.
"""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any, Final

#: What every log record has; anything else was handed over as an attribute.
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_FRAMES_MAX: Final = 12


class JsonLines(logging.Formatter):
    """Formats a log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "event": record.msg if isinstance(record.msg, str) else type(record.msg).__name__,
        }
        if record.args and not record.name.startswith("countenance"):
            line["event"] = "library_message"  # its arguments are not ours to vouch for
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])[-_FRAMES_MAX:]
            line["trace"] = [f"{frame.name}:{frame.lineno}" for frame in frames]
        return json.dumps(line, ensure_ascii=True, default=lambda value: type(value).__name__)
