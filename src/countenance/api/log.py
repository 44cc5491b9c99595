"""The log: its files for anybody, as C2SP tlog-tiles has them; the proof of a record for whoever may see the record."""

from typing import Final
from uuid import UUID

from fastapi import Response

from countenance.api.door import ByReceipt, Calling, Open, Route
from countenance.api.wire import Shown
from countenance.errors import NotFoundError
from countenance.log.proofs import Proof
from countenance.operations import logs as shelf
from countenance.operations import receipts as operation
from countenance.operations.prove import checkpoint_of, prove
from countenance.reception.body import Form
from countenance.vocabulary import Role

#: A tile never changes; the checkpoint does, all the time.
_FOR_EVER: Final = {"cache-control": "public, max-age=31536000, immutable"}
_FOR_SECONDS: Final = {"cache-control": "public, max-age=2"}


class ProofFile(Response):
    """A proof as a file of its own (C2SP tlog-proof)."""

    media_type = "text/plain; charset=utf-8"


class LogFile(Response):
    """One file of a log: the checkpoint, the public key, a tile of hashes or a bundle of entries."""

    media_type = "application/octet-stream"


class LogAnswer(Shown):
    """The operator's log as it is signed now: its name, its public key, how many entries, and the root over them."""

    origin: str
    vkey: str
    size: int
    root: str


class ProofQuery(Form):
    """Which record, of a use for instance; none: what the receipt is about."""

    record: UUID | None = None


async def log(call: Calling) -> LogAnswer:
    """Say under which name and key the operator's log is signed, and how far it has come."""

    def act() -> LogAnswer:
        with call.house.database.reading() as tx:
            found = checkpoint_of(tx, call.house.logs, call.caller.operator_id)
        if found is None:
            raise _nothing()
        checkpoint, vkey = found
        return LogAnswer(origin=checkpoint.origin, vkey=vkey, size=checkpoint.size, root=checkpoint.root.hex())

    return await call.work(act)


async def log_file(call: Calling, operator: str, generation: str, path: str) -> Response:
    """Return a file of a log; nobody's data is in it."""
    content = await call.work(lambda: shelf.public_file(call.house.logs, operator, generation, path))
    if content is None:
        raise _nothing()
    if path.startswith("tile/"):
        return LogFile(content, headers=_FOR_EVER)
    return ProofFile(content, headers=_FOR_SECONDS)


async def record_proof(call: Calling, record_id: str) -> Response:
    """Prove that a record stands in the log, to whoever has the log's public key."""
    try:
        wanted = UUID(record_id)
    except ValueError:
        raise _nothing() from None

    def act() -> Proof:
        with call.house.database.reading() as tx:
            return prove(tx, call.house.logs, call.caller.operator_id, wanted)

    return _as_file(await call.work(act))


async def receipt_proof(call: Calling) -> Response:
    """Prove that a record stands in the log: the one named, or the certificate's, or that of what was agreed to."""
    query = call.asked(ProofQuery)
    return _as_file(await call.work(lambda: operation.proof(call.house, call.holder, query.record)))


def _as_file(proof: Proof) -> Response:
    named = {"content-disposition": f'attachment; filename="entry-{proof.index}.tlog-proof"'}
    return ProofFile(proof.as_file(), headers=named)


def _nothing() -> NotFoundError:
    return NotFoundError("There is no such log, file or record.", "没有该日志、文件或记录。")


_LOG: Final = {
    "origin": "faces.harbour-hotel.example/log/harbour-hotel/1",
    "vkey": "faces.harbour-hotel.example/log/harbour-hotel/1+3e6f1c0a+AZW1ZkGnPXh0SVeGGvq5sKFTe2W0pYbqUq0r9mWQ3Yl0",
    "size": 4711,
    "root": "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}

ROUTES = (
    Route(
        method="GET",
        path="/v1/log",
        endpoint=log,
        roles=(Role.OFFICER, Role.REGULATOR, Role.DEVICE, Role.SUBJECT),
        tag="log",
        answer=LogAnswer,
        example=_LOG,
        problems=("not_found",),
    ),
    Route(
        method="GET",
        path="/v1/records/{record_id}/proof",
        endpoint=record_proof,
        roles=(Role.OFFICER, Role.REGULATOR),
        tag="log",
        kind=ProofFile,
        problems=("not_found", "conflict"),
    ),
    Route(
        method="GET",
        path="/v1/receipt/proof",
        endpoint=receipt_proof,
        roles=ByReceipt("Have it proven from the log."),
        tag="receipts",
        kind=ProofFile,
        query=ProofQuery,
        problems=("not_found", "conflict"),
    ),
    Route(
        method="GET",
        path="/log/{operator}/{generation}/{path:path}",
        endpoint=log_file,
        roles=Open("A log is checked by strangers; it holds digests and times, and nobody's data."),
        tag="log",
        kind=LogFile,
        problems=("not_found",),
    ),
)
