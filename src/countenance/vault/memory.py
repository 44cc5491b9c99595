"""What a process does so that keys and templates stay in its own memory."""

import ctypes
import logging
import resource
from typing import Final

_log = logging.getLogger("countenance.vault")

_PR_SET_DUMPABLE: Final = 4


def hold_core_dumps() -> None:
    """Keep this process out of core dumps and other processes' reach: its memory holds templates and keys."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):  # no Linux
        _log.warning("core_dumps_not_held")
