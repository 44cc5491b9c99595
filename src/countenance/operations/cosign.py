"""Cosign: have witnesses elsewhere say that they saw the log as it was signed, so that nobody is shown another one."""

import logging
from threading import Event
from typing import Final

from countenance.errors import IntegrityError
from countenance.log.notes import Note
from countenance.log.policy import Policy
from countenance.log.witnesses import CosignedNote, Witnesses
from countenance.operations.logs import COSIGNED, Logs
from countenance.operations.parts import House
from countenance.store import logged, sites
from countenance.store.logged import LogRow

_log = logging.getLogger("countenance.operations")

_TRIES: Final = 40
_APART_SECONDS: Final = 0.05


class Cosigner:
    """Asks the witnesses of a policy about the logs of one house; it remembers what each of them has."""

    def __init__(self, house: House, policy: Policy) -> None:
        """Take the policy; raises MalformedError for an address in it that cannot be one."""
        self._house = house
        self._logs: Logs = house.logs
        self._witnesses = Witnesses(policy)
        self._failing: dict[str, type[Exception]] = {}

    def cosign_all(self) -> None:
        """Have every log cosigned as it is signed now, where it is not yet.

        Raises IntegrityError where witnesses say that the log was put back or is another one, and the quorum is not met
        without them. A single witness that says so while the others go along is noted, and stops nothing.
        """
        with self._house.database.reading() as tx:
            rows = [row for operator_id in sites.operators(tx) for row in logged.every(tx, operator_id)]
        for row in rows:
            # One at a time asks: whoever asked about an older checkpoint behind another would be told that it is older.
            with self._house.database.transaction() as tx:
                if logged.hold_witnesses(tx, row.operator_id):
                    self._cosign(row)

    def close(self) -> None:
        """Ask nobody any more."""
        self._witnesses.close()

    def _cosign(self, row: LogRow) -> None:
        published = self._logs.published(row)
        if published is None or not published[0].size:
            return
        (checkpoint, note), before = published, self._logs.cosigned(row)
        if before is not None and before[0].size == checkpoint.size:
            return
        files = self._logs.files(row.operator_id, row.generation)
        seconds = int(self._house.clock().timestamp())
        found = self._witnesses.cosign(note, lambda old: files.tree(checkpoint.size).consistency(old), seconds)
        self._judge(row, found)
        if found.met:
            self._put_in_place(row, checkpoint.size, found.note)

    def _judge(self, row: LogRow, found: CosignedNote) -> None:
        """Note who did not cosign; raises IntegrityError where that means that the log is not what they saw.

        A log that has ended is not gone on with anyhow, and keeps nobody from beginning.
        """
        for name, error in found.failed.items():
            self._house.count("log", "contradicted" if isinstance(error, IntegrityError) else "unwitnessed")
            if self._failing.get(name) is not type(error):  # said once, and counted until it is over
                _log.warning("not_cosigned", extra={"kind": type(error).__name__, "witness": name})
        self._failing = {name: type(error) for name, error in found.failed.items()}
        contradicting = [error for error in found.failed.values() if isinstance(error, IntegrityError)]
        if contradicting and not found.met and row.ended_at is None:
            raise contradicting[0]

    def _put_in_place(self, row: LogRow, size: int, note: bytes) -> None:
        """Keep and publish a checkpoint with its cosignatures, unless a newer one is in place already."""
        files = self._logs.files(row.operator_id, row.generation)
        for _ in range(_TRIES):
            with self._logs.alone(row.operator_id) as alone:
                if alone:
                    newest, published = self._logs.cosigned(row), self._logs.published(row)
                    if newest is None or newest[0].size < size:
                        files.write(COSIGNED, note)
                        files.settle()
                    if published is not None and Note.parse(published[1]).text == Note.parse(note).text:
                        files.publish(note)
                    return
            Event().wait(_APART_SECONDS)  # whoever writes the log is through in a moment
