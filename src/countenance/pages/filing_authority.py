"""The authority that an operator is paired with: what was said both ways, what waits, and every way to say more.

What cannot be delivered now waits, and the server goes on trying: an authority that does not answer is no error here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field
from starlette.responses import Response

from countenance.answer import Text
from countenance.errors import ConflictError, CountenanceError, MalformedError, NotFoundError
from countenance.filing import exchange as wire
from countenance.filing.documents.words import word
from countenance.filing.duty import reports
from countenance.operations import correspond, submit
from countenance.operations.correspond import Correspondence
from countenance.operations.dossier import Sources
from countenance.pages.door import Page, Session, Visit
from countenance.reception.body import Form
from countenance.reception.words import Code, Prose, Sha256, Typed
from countenance.store import exchanges
from countenance.store.exchanges import ExchangedRow
from countenance.vocabulary import FilingKind

#: The authority waits for an answer to these.
_ASKS: Final = frozenset({wire.Kind.QUESTION, wire.Kind.RETURNED})


class PairForm(Form):
    """Where the authority is, and the code that it handed over."""

    url: Annotated[str, Field(max_length=256, pattern=r"^https?://[\x21-\x7e]+$")]
    code: Typed


class FileForm(Form):
    """What is filed under which pack, and which returned filing it amends."""

    pack: Code
    act: FilingKind
    amends: Sha256 | None = None


class AnswerForm(Form):
    """What is answered to which question."""

    to: Sha256
    text: Prose


class ShareForm(Form):
    """The sketch for which group."""

    group: Annotated[str, Field(min_length=1, max_length=256)]


@dataclass(frozen=True, slots=True)
class Happened:
    """What came of what was just asked for, and how that is marked."""

    mark: str
    text: Text


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message of the conversation, as what it says; nothing is shown of a group's key."""

    row: ExchangedRow
    says: Any
    files: int
    answered: bool = False

    @property
    def id(self) -> str:
        """Return what the message is known by."""
        return self.row.message_id.hex()

    @property
    def act(self) -> Text | None:
        """Return what is filed, in words."""
        kind = getattr(self.says, "act", None)
        return None if kind is None else word(kind)

    @property
    def asks(self) -> bool:
        """Return whether it waits for an answer."""
        return self.row.kind in _ASKS and not self.answered


def _correspondence(visit: Visit) -> Correspondence:
    house = visit.house
    return Correspondence(Sources.of(house, visit.behind.settings), house.vault, house.clock)


async def authority(visit: Visit) -> Response:
    """Show with whom the operator is paired, and what was said."""
    return await _shown(visit)


async def _shown(
    visit: Visit, happened: Happened | None = None, status: int = 200, filled: str | None = None
) -> Response:
    operator_id = visit.caller.operator_id

    def act() -> dict[str, Any]:
        with visit.house.database.reading() as tx:
            paired = exchanges.authority(tx, operator_id)
            rows, groups = exchanges.said(tx, operator_id), exchanges.groups(tx, operator_id)
        said = _conversation(rows)
        filed = {each.id: each.says for each in said if each.row.kind == wire.Kind.FILING}
        return {"paired": paired, "groups": groups, "said": said, "filed": filed}

    return visit.show("filing_authority.html", status, happened=happened, filled=filled, **await visit.work(act))


def _conversation(rows: list[ExchangedRow]) -> list[Spoken]:
    messages = [(row, wire.message_of(row.note) if row.note else None) for row in rows]
    answered = {message.says().to for row, message in messages if message and row.kind == wire.Kind.ANSWER}
    return [
        Spoken(
            row,
            None if message is None else message.says(),
            0 if message is None else len(message.attachments),
            row.message_id.hex() in answered,
        )
        for row, message in messages
    ]


async def collected(visit: Visit) -> Response:
    """Deliver what waits and collect what came, now."""
    co, operator_id = _correspondence(visit), visit.caller.operator_id
    return await _shown(visit, await visit.work(lambda: _exchanged(co, operator_id)))


def _exchanged(co: Correspondence, operator_id: str) -> Happened:
    try:
        delivered, came = correspond.exchange(co, operator_id)
    except CountenanceError as error:
        return _later(error)
    return Happened(
        "good", Text(f"{delivered} delivered, {came} collected.", f"已送达 {delivered} 件，收到 {came} 件。")
    )


def _later(error: CountenanceError) -> Happened:
    en = f"Nothing could be delivered just now. What waits is kept, and is tried again by itself. {error.en}"
    return Happened("warn", Text(en, f"暂时无法送达。待发内容已保存，将自动重试。{error.zh}"))


async def paired(visit: Visit) -> Response:
    """Pair with the authority at an address by its code; a code that does not fit changes nothing."""
    form, co, operator_id = visit.form(PairForm), _correspondence(visit), visit.caller.operator_id

    def act() -> Happened:
        row = correspond.pair(co, operator_id, form.url, form.code)
        name = row.vkey.partition("+")[0]
        return Happened("good", Text(f"Paired with {name}.", f"已与 {name} 配对。"))

    try:
        happened = await visit.work(act)
    except CountenanceError as error:
        # A key that is not the code's is the other side's: nothing that is stored here was changed.
        return await _shown(visit, Happened("bad", Text(error.en, error.zh)), 400, form.url)
    return await _shown(visit, happened)


async def filed(visit: Visit) -> Response:
    """Prepare what is due with all its documents, and send it."""
    form, co, caller = visit.form(FileForm), _correspondence(visit), visit.caller

    def prepare() -> str:
        with co.sources.database.reading() as tx:
            due = {each.pack: each.demands for each in reports(tx, co.sources.packs, caller.operator_id, co.clock())}
        if due.get(form.pack) is not form.act:
            raise ConflictError(
                "This is not due, or not any more. Look at the duties again.",
                "该事项并未产生或已完成。请重新查看备案义务。",
            )
        return submit.file(co, caller.operator_id, form.pack, form.act, by=caller.named, amends=form.amends)

    return await _sent(visit, co, prepare)


async def answered(visit: Visit) -> Response:
    """Answer what the authority asked, or why it returned a filing."""
    form, co, caller = visit.form(AnswerForm), _correspondence(visit), visit.caller
    return await _sent(visit, co, lambda: submit.answer(co, caller.operator_id, form.to, form.text, by=caller.named))


async def stated(visit: Visit) -> Response:
    """Send the statement of this instant."""
    co, caller = _correspondence(visit), visit.caller
    return await _sent(visit, co, lambda: submit.state(co, caller.operator_id, by=caller.named))


async def shared(visit: Visit) -> Response:
    """Send the sketch for a group of which the authority sent the key."""
    form, co, caller = visit.form(ShareForm), _correspondence(visit), visit.caller
    return await _sent(visit, co, lambda: submit.share(co, caller.operator_id, form.group, by=caller.named))


async def _sent(visit: Visit, co: Correspondence, prepare: Callable[[], str]) -> Response:
    """Prepare a message, deliver what waits, and show what became of it."""
    operator_id = visit.caller.operator_id
    try:
        message_id = await visit.work(prepare)
    except (ConflictError, NotFoundError, MalformedError) as error:
        return await _shown(visit, Happened("bad", Text(error.en, error.zh)), 409)
    happened = await visit.work(lambda: _came_of(co, operator_id, message_id))
    return await _shown(visit, happened)


def _came_of(co: Correspondence, operator_id: str, message_id: str) -> Happened:
    tried = _exchanged(co, operator_id)
    with co.sources.database.reading() as tx:
        row = exchanges.find(tx, operator_id, bytes.fromhex(message_id))
    if row is not None and row.refused is not None:
        return Happened("bad", Text(f"The authority refused it. {row.refused.en}", f"主管部门拒收。{row.refused.zh}"))
    if row is not None and row.receipted_at is not None:
        return Happened("good", Text("Sent: the authority has signed that it came.", "已送达：主管部门已签署回执。"))
    en, zh = tried.text.en, tried.text.zh
    return Happened("warn", Text(f"Prepared and signed; it waits to be sent. {en}", f"已准备并签署，正等待发送。{zh}"))


_AT: Final = "/console/filing/authority"
PAGES = (
    Page(method="GET", path=_AT, endpoint=authority, who=Session.STAFF),
    Page(method="POST", path=_AT, endpoint=collected, who=Session.STAFF),
    Page(method="POST", path=f"{_AT}/pair", endpoint=paired, who=Session.STAFF),
    Page(method="POST", path=f"{_AT}/file", endpoint=filed, who=Session.STAFF),
    Page(method="POST", path=f"{_AT}/answer", endpoint=answered, who=Session.STAFF),
    Page(method="POST", path=f"{_AT}/statement", endpoint=stated, who=Session.STAFF),
    Page(method="POST", path=f"{_AT}/share", endpoint=shared, who=Session.STAFF),
)
