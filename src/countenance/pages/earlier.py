"""A long list on a page: so much of it at once, and the way to what came before."""

from typing import Final
from uuid import UUID

from countenance.reception.body import Form

#: So many uses are shown at once: more is slow to read, and to make.
SHOWN_AT_ONCE: Final = 25


class EarlierForm(Form):
    """The record before which a list goes on."""

    before: UUID | None = None
