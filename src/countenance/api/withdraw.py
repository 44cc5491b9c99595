"""POST /v1/withdraw: a subject takes a consent back, and what was kept for that purpose is destroyed."""

from countenance.api.door import Calling, Route
from countenance.api.wire import RECORD_EXAMPLE, Destroyed, RecordPointer, Ref, Shown
from countenance.operations.withdraw import withdraw as operation
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.vocabulary import Role


class WithdrawForm(Form):
    """Whose consent, for which purpose."""

    subject: Ref
    purpose: Code


class WithdrawAnswer(Shown):
    """The receipt of a withdrawal."""

    destroyed: Destroyed
    record: RecordPointer


async def withdraw(call: Calling) -> WithdrawAnswer:
    """Take a consent back; keys and references for that purpose are destroyed at once. Never refused."""
    sent = await call.sent()

    def act() -> WithdrawAnswer:
        form = sent.form(WithdrawForm)
        done = operation(call.house, call.caller, form.subject, form.purpose)
        return WithdrawAnswer(
            destroyed=Destroyed.model_validate(done.destroyed.as_json()), record=RecordPointer.of(done.recorded)
        )

    return await call.work(act)


ROUTES = (
    Route(
        method="POST",
        path="/v1/withdraw",
        endpoint=withdraw,
        roles=(Role.DEVICE, Role.OFFICER, Role.SUBJECT),
        tag="subjects",
        answer=WithdrawAnswer,
        example={
            "destroyed": {"keys": 1, "references": 2, "originals": 0, "purposes": ["check-in"]},
            "record": RECORD_EXAMPLE,
        },
        form=WithdrawForm,
        form_example={"subject": "booking-4711", "purpose": "check-in"},
        problems=("not_found",),
    ),
)
