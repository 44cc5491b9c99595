"""POST /v1/erase: forget a subject for every purpose."""

from typing import Final

from countenance.api.door import Calling, Route
from countenance.api.wire import RECORD_EXAMPLE, Bilingual, Destroyed, RecordPointer, Ref, Shown
from countenance.operations.erase import erase as operation
from countenance.reception.body import Form
from countenance.vocabulary import Role

_RECEIPT: Final = Bilingual(
    en="The keys are destroyed, and with them everything sealed under them. A backup of the database made before holds "
    "it, sealed, until that backup is deleted. What remains on record can no longer be tied to the person. Keep this "
    "receipt: it is the only link to the record.",
    zh="密钥及其封存的全部数据均已销毁。此前的数据库备份在删除之前仍含有其封存副本。留存的记录已无法与本人关联。请保存此回执，它是指向该记录的唯一凭据。",
)


class EraseForm(Form):
    """Who is to be forgotten."""

    subject: Ref


class EraseAnswer(Shown):
    """The receipt of an erasure."""

    destroyed: Destroyed
    receipt: Bilingual
    record: RecordPointer


async def erase(call: Calling) -> EraseAnswer:
    """Destroy every key and reference of a subject and what ties old records to the person. Never refused."""
    sent = await call.sent()

    def act() -> EraseAnswer:
        form = sent.form(EraseForm)
        done = operation(call.house, call.caller, form.subject)
        return EraseAnswer(
            destroyed=Destroyed.model_validate(done.destroyed.as_json()),
            receipt=_RECEIPT,
            record=RecordPointer.of(done.recorded),
        )

    return await call.work(act)


ROUTES = (
    Route(
        method="POST",
        path="/v1/erase",
        endpoint=erase,
        roles=(Role.OFFICER, Role.SUBJECT),
        tag="subjects",
        answer=EraseAnswer,
        example={
            "destroyed": {"keys": 1, "references": 2, "originals": 0, "purposes": ["check-in"]},
            "receipt": _RECEIPT.model_dump(),
            "record": RECORD_EXAMPLE,
        },
        form=EraseForm,
        form_example={"subject": "booking-4711"},
        problems=("not_found",),
    ),
)
