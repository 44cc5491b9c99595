"""POST /v1/alternatives/report: say that another way works now, or that it is down."""

from typing import Annotated

from pydantic import Field, StrictBool

from countenance.api.door import Calling, Route
from countenance.api.wire import Shown
from countenance.operations.report import report as operation
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.vocabulary import Role


class ReportForm(Form):
    """Of which alternative, and whether it works."""

    alternative: Code
    working: Annotated[StrictBool, Field(description="Whether a guest can be served this way now.")]


class ReportAnswer(Shown):
    """Whether that was a change; a change is on record."""

    changed: bool


async def report_alternative(call: Calling) -> ReportAnswer:
    """Say that another way works or is down; where it is down, the face path closes by itself until it works again."""
    sent = await call.sent()

    def act() -> ReportAnswer:
        form = sent.form(ReportForm)
        return ReportAnswer(changed=operation(call.house, call.caller, form.alternative, working=form.working))

    return await call.work(act)


ROUTES = (
    Route(
        method="POST",
        path="/v1/alternatives/report",
        endpoint=report_alternative,
        roles=(Role.DEVICE, Role.OFFICER),
        tag="site",
        answer=ReportAnswer,
        example={"changed": True},
        form=ReportForm,
        form_example={"alternative": "desk", "working": False},
        problems=("not_found",),
    ),
)
