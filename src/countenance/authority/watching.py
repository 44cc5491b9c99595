"""The authority as witness and mirror of its parties' logs: whose logs it knows follows from who is paired."""

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from countenance.authority.addresses import check_reach
from countenance.authority.mirror import Mirrored, mirror
from countenance.authority.office import TROUBLE, Office
from countenance.authority.witness import Witness, key_of, make
from countenance.errors import CountenanceError, NotFoundError, UnavailableError
from countenance.log.notes import Verifier
from countenance.log.policy import Policy, PolicyLog
from countenance.store.database import Database
from countenance.store.register import parties

_log = logging.getLogger("countenance.authority")

_NO_QUORUM: Final = "none"
_NOBODY: Final = Policy((), (), (), _NO_QUORUM)


def open_witness(directory: Path, name: str, clock: Callable[[], datetime]) -> Witness:
    """Return the authority's witness, made the first time, which knows no logs yet."""
    try:
        key_of(directory)
    except NotFoundError:
        make(directory, name)
    return Witness(directory, _NOBODY, clock)


def follow_parties(database: Database, witness: Witness) -> None:
    """Let the witness know the logs of everybody who is paired now."""
    with database.transaction() as tx:
        rows = parties.every(tx)
    known = tuple(PolicyLog(Verifier.of_vkey(row.log_vkey), row.log_url) for row in rows if row.log_vkey is not None)
    if known != witness.policy.logs:
        witness.policy = Policy(known, (), (), _NO_QUORUM)


def mirror_parties(office: Office) -> dict[str, Mirrored | CountenanceError]:
    """Bring the mirror of every party's log to what it serves now, one after the other; say what came of each."""
    follow_parties(office.database, office.witness)
    found: dict[str, Mirrored | CountenanceError] = {}
    for each in office.witness.policy.logs:
        try:
            found[each.verifier.name] = mirror_one(office, each)
        except TROUBLE as error:
            found[each.verifier.name] = error if isinstance(error, CountenanceError) else _unexpected()
            _log.error("not_mirrored", extra={"origin": each.verifier.name, "kind": type(error).__name__})
    return found


def _unexpected() -> UnavailableError:
    return UnavailableError(
        "The log could not be mirrored, for a reason that nobody expected. Look at the server's log.",
        "因意外原因无法镜像该日志。请查看服务器日志。",
    )


def mirror_one(office: Office, known: PolicyLog) -> Mirrored:
    """Bring the mirror of one log to what it serves now; raises what `mirror` and `check_reach` raise."""
    check_reach(known.url or "", private=office.private_logs)
    return mirror(office.witness, known.verifier.name, lambda *_: None)
