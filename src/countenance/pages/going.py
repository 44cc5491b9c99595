"""What a guest's way through a kiosk carries from page to page, in the forms themselves and nowhere else."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AwareDatetime, Field

from countenance.facts import SessionFacts
from countenance.reception.body import Form
from countenance.reception.words import Code, Typed
from countenance.vocabulary import AgeClass, StartedBy

#: A guest who is asked and asked again is being pressed; nobody needs more steps than this.
PRESSED_MAX: Final = 200


#: What the guest does at a kiosk by pressing start: begins it, with the purpose and another way on the same page.
BEGUN_BY_GUEST: Final = SessionFacts(started_by=StartedBy.SUBJECT, purpose_prompted=True, alternative_offered=True)


class Begun(Form):
    """A guest pressed start: for which purpose, when, and how often something was pressed since."""

    purpose: Code
    begun: AwareDatetime
    pressed: Annotated[int, Field(ge=0, le=PRESSED_MAX)] = 0


class Going(Begun):
    """A guest who said who they are; the word is the operator's own, such as a number of a booking."""

    subject: Typed
    age: AgeClass | None = None
    served: UUID | None = None

    def carried(self, **more: Any) -> dict[str, str]:
        """Return the fields for the next form, one step further; what is unknown is left out."""
        return fields(self, **more)


def fields(going: Begun, **more: Any) -> dict[str, str]:
    """Return the hidden fields that carry `going` on, with `more` added or changed, one step further."""
    carried = going.model_dump(mode="json", include=set(Going.model_fields))
    said = {**carried, **more, "pressed": going.pressed + 1}
    return {name: str(value) for name, value in said.items() if value is not None}


def seconds(going: Begun, now: datetime) -> float:
    """Return how long the guest has been going."""
    return max(0.0, (now - going.begun).total_seconds())
