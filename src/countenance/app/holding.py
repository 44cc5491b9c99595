"""The key holder's process, and the way to it."""

import os
import pwd
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from countenance.engines import thresholds
from countenance.errors import MalformedError
from countenance.settings import Settings
from countenance.vault.keyholder import KeyHolder
from countenance.vault.keyholder_socket import AtSocket, Served
from countenance.vault.keys import FileKeys
from countenance.vocabulary import Target


@contextmanager
def key_holder(settings: Settings) -> Iterator[AtSocket | None]:
    """Yield where the key holder is asked, None where the settings name none; it is hung up afterwards."""
    asked = None if settings.keyholder_socket is None else AtSocket(settings.keyholder_socket)
    yield asked
    if asked is not None:
        asked.close()


def key_holder_keys(settings: Settings) -> FileKeys:
    """Return where the key holder's own key lies."""
    return FileKeys(settings.keyholder_dir)


def serve_key_holder(settings: Settings, started: Callable[[], None]) -> None:
    """Be the key holder until a signal comes, for this user and the one the settings name.

    Raises UnavailableError where key, socket or calibration is missing, MalformedError where no socket is named.
    """
    if settings.keyholder_socket is None:
        raise MalformedError(
            "Say where the key holder listens: COUNTENANCE_KEYHOLDER_SOCKET.",
            "请设置密钥持有进程的套接字：COUNTENANCE_KEYHOLDER_SOCKET。",
        )
    targets = {Target.VERIFY: settings.threshold_fmr, Target.IDENTIFY: settings.identify_fmr}
    scores = thresholds(settings.detector_card, settings.extractor_card, targets.values())
    holder = KeyHolder(key_holder_keys(settings), dict(zip(targets, scores, strict=True)))
    users = {os.geteuid(), *(_user(settings.keyholder_peer) if settings.keyholder_peer else ())}
    served = Served(holder, settings.keyholder_socket, users)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=served.close).start())
    started()
    served.run()


def _user(name: str) -> tuple[int]:
    try:
        return (pwd.getpwnam(name).pw_uid,)
    except KeyError:
        raise MalformedError(
            "COUNTENANCE_KEYHOLDER_PEER names no user of this machine.",
            "COUNTENANCE_KEYHOLDER_PEER 不是本机用户。",
        ) from None
