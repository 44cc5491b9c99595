"""POST /v1/finalise: a person reviews what a device answered, and decides."""

from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field, StrictBool

from countenance.api.door import Calling, Route
from countenance.api.repeat import IDEMPOTENCY_KEY, once, replay
from countenance.api.told import told
from countenance.api.wire import LAW_EXAMPLE, RECORD_EXAMPLE, Id, PermitAnswer, permitted
from countenance.operations import finalise as operation
from countenance.operations.once import Repeated
from countenance.operations.parts import Permitted, Refused
from countenance.reception.body import Form
from countenance.vocabulary import Role


class FinaliseForm(Form):
    """Which decision, whether a person looked at it, and what that person decided."""

    record: Annotated[Id, Field(description="The record of the match or non-match.")]
    human: Annotated[StrictBool | None, Field(description="Whether a person reviewed it; left out is unknown.")] = None
    decision: Literal["upheld", "overturned"]


async def finalise(call: Calling, response: Response) -> PermitAnswer | Response:
    """Make a decision final, once, if the law permits it; whoever ran the device may not review what it answered."""
    sent = await call.sent()

    def act() -> Permitted | Repeated | Response:
        form = sent.form(FinaliseForm)
        review = operation.Review(record_id=form.record, human=form.human, decision=form.decision)
        done = operation.finalise(call.house, call.caller, review, once(call, form))
        return told(call, done) if isinstance(done, Refused) else done

    done = await call.work(act)
    if isinstance(done, Repeated):
        return replay(response, done, PermitAnswer)
    return permitted(done, "finalised") if isinstance(done, Permitted) else done


ROUTES = (
    Route(
        method="POST",
        path="/v1/finalise",
        endpoint=finalise,
        roles=(Role.OFFICER,),
        tag="checks",
        answer=PermitAnswer,
        example={"outcome": "finalised", "law": LAW_EXAMPLE, "duties": [], "record": RECORD_EXAMPLE},
        form=FinaliseForm,
        form_example={"record": RECORD_EXAMPLE["id"], "human": True, "decision": "upheld"},
        headers=IDEMPOTENCY_KEY,
        problems=("refused", "not_found", "conflict"),
    ),
)
