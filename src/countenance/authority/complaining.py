"""Complaints: anybody may make one, and follows it with a token; clerks answer."""

from datetime import timedelta
from typing import Final

from countenance.authority.deciding import prose
from countenance.authority.office import Office
from countenance.authority.reading import complaint_of
from countenance.authority.seen import Complaint
from countenance.errors import LimitError, MalformedError, NotFoundError
from countenance.store.register import parties, public
from countenance.store.register.public import ComplaintRow
from countenance.vault.bearers import agrees, mint, presented

#: The two letters with which the token of a complaint begins.
PREFIX: Final = "cp"
#: So many complaints are taken in a day, from everybody together; the page paces each address.
DAILY_MAX: Final = 2000
ABOUT_CHARS_MAX: Final = 200
#: For so long after the answer somebody may come back to it.
CONTACT_DAYS: Final = 180


def forget(office: Office) -> int:
    """Forget contacts that are no longer needed, and return how many."""
    with office.database.transaction() as tx:
        return public.forget_contacts(tx, office.clock() - timedelta(days=CONTACT_DAYS))


def complain(office: Office, about: str, text: str, contact: str | None, party_id: str | None) -> str:
    """Keep a complaint and return the token by which whoever made it sees the answer."""
    named, at, minted = about.strip(), office.clock(), mint(PREFIX)
    left = (contact or "").strip() or None
    if not named or len(named) > ABOUT_CHARS_MAX or len(left or "") > ABOUT_CHARS_MAX:
        raise MalformedError(
            f"Say in up to {ABOUT_CHARS_MAX} characters whom the complaint is about; a contact is as long at most.",
            f"请用不超过 {ABOUT_CHARS_MAX} 个字符说明投诉对象；联系方式长度同样受限。",
        )
    row = ComplaintRow(minted.public_id, minted.digest, at, party_id, named, prose(text), left)
    with office.database.transaction() as tx:
        if party_id is not None and parties.find(tx, party_id) is None:
            raise NotFoundError("There is no such party.", "没有该备案主体。")
        if public.since(tx, at - timedelta(days=1)) >= DAILY_MAX:
            raise LimitError(
                "Too many complaints came today. Come again tomorrow, or write a letter.",
                "今日投诉过多。请明日再试，或以书面形式提交。",
                limit="rate",
                seconds=3600,
            )
        public.complain(tx, row)
    return minted.token


def complaint(office: Office, token: str) -> Complaint:
    """Return the complaint of a token; raises NotFoundError for a token that opens none."""
    shown = presented(PREFIX, token)
    row = None
    if shown is not None:
        with office.database.transaction() as tx:
            row = public.complaint_of(tx, shown.public_id)
    if not agrees(shown, None if row is None else row.digest) or row is None:
        raise NotFoundError("There is no complaint under this number.", "没有与该编号对应的投诉。")
    return complaint_of(row)


def answer(office: Office, complaint_id: int, by: str, text: str) -> Complaint:
    """Answer a complaint; raises NotFoundError for one that is not there."""
    with office.database.transaction() as tx:
        row = public.answer(tx, complaint_id, prose(text), by, office.clock())
    if row is None:
        raise NotFoundError("There is no such complaint.", "没有该投诉。")
    return complaint_of(row)
