"""Prove: the file that shows, to whoever has the log's public key, that a record stands in the log."""

from uuid import UUID

from countenance.errors import ConflictError, IntegrityError, NotFoundError
from countenance.log.notes import Checkpoint
from countenance.log.proofs import Proof
from countenance.operations.logs import Logs
from countenance.operations.sequence import entry_of
from countenance.store import logged, records
from countenance.store.database import Transaction


def prove(tx: Transaction, logs: Logs, operator_id: str, record_id: UUID) -> Proof:
    """Return the proof of one record of an operator.

    Where a quorum of witnesses is asked for, the proof carries a checkpoint that they cosigned. Raises NotFoundError
    for a record that is not there, ConflictError while it is in no such checkpoint, IntegrityError where the log does
    not hold what it should.
    """
    found = logged.find(tx, operator_id, record_id)
    if found is None:
        if records.find(tx, operator_id, record_id) is None:
            raise NotFoundError("There is no such record.", "没有该记录。")
        raise _not_yet()
    row, index, record = found
    signed = logs.to_prove_by(row)
    if signed is None or signed[0].size <= index:
        raise _not_yet()
    checkpoint, note = signed
    entry = entry_of(record)
    hashes = logs.files(operator_id, row.generation).tree(checkpoint.size).inclusion(index)
    proof = Proof(index, hashes, note, entry)
    if not proof.holds(checkpoint):
        raise _broken()
    return proof


def checkpoint_of(tx: Transaction, logs: Logs, operator_id: str) -> tuple[Checkpoint, str] | None:
    """Return the newest log's checkpoint and public key, None where there is none yet."""
    row = logged.newest(tx, operator_id)
    published = None if row is None else logs.published(row)
    return None if row is None or published is None else (published[0], logs.verifier(row).as_vkey())


def _not_yet() -> ConflictError:
    return ConflictError(
        "The record is not in the signed log yet. Ask again in a few seconds.",
        "该记录尚未进入已签署的日志。请几秒后重试。",
    )


def _broken() -> IntegrityError:
    return IntegrityError(
        "The log does not hold this record as it is kept. Call the officer. See where: countenance log verify",
        "日志内容与该记录不符。请联系保护负责人，并运行 countenance log verify 查看位置。",
    )
