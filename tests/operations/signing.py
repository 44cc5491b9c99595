"""What tests of signing in share: the app that makes codes, written out here, and people who have chosen a password."""

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from countenance import access
from countenance.errors import NotAllowedError
from countenance.operations.credentials import Issued, issue
from countenance.operations.parts import Caller
from countenance.operations.sign_in import accept, invite, sign_in, welcome
from countenance.operations.staff import retire_staff
from countenance.store import sign_ins
from countenance.store.sign_ins import SignInRow
from countenance.vocabulary import Role
from tests.database import OPERATOR, Hotel
from tests.operations.governed import bodies, colleague

PASSWORD = "five words make a canary"


def app_shows(secret: bytes, at: datetime) -> str:
    """Return the code that an app shows at an instant (RFC 4226, RFC 6238)."""
    digest = hmac.digest(secret, (int(at.timestamp()) // 30).to_bytes(8, "big"), "sha1")
    place = digest[-1] & 15
    number = int.from_bytes(digest[place : place + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06}"


@dataclass
class Member:
    """A member of staff at the hotel, with what they know and what they have."""

    hotel: Hotel
    staff_id: str
    password: str = field(default=PASSWORD, repr=False)
    secret: bytes = field(default=b"", repr=False)

    def invited(self) -> str:
        """Invite them and return the invitation's token."""
        house = self.hotel.house
        with house.database.transaction() as tx:
            return invite(tx, house.vault(OPERATOR), OPERATOR, "officer:x", self.staff_id, self.hotel.clock()).token

    def scan(self, token: str) -> None:
        """Let their app read the secret of the codes."""
        query = parse_qs(urlsplit(welcome(self.hotel.house, token).code_address).query)
        self.secret = base64.b32decode(query["secret"][0])

    def accepts(self, token: str) -> Issued:
        """Scan, choose the password, and show the first code."""
        self.scan(token)
        return accept(self.hotel.house, token, self.password, self.code())

    def code(self, **away: float) -> str:
        """Return the code that the app shows now, or a while away from now."""
        clock = self.hotel.clock
        clock.forward(**away)
        shown = app_shows(self.secret, clock())
        clock.forward(**{unit: -amount for unit, amount in away.items()})
        return shown

    def wrong(self) -> str:
        """Return a code that opens nothing now."""
        near = {self.code(seconds=away) for away in (-30, 0, 30)}
        return next(code for code in ("000000", "111111", "222222", "333333") if code not in near)

    def signs_in(self, password: str | None = None, code: str | None = None) -> Issued:
        """Sign in, with what is right where nothing else is said."""
        shown = self.code() if code is None else code
        return sign_in(
            self.hotel.house, OPERATOR, self.staff_id, self.password if password is None else password, shown
        )

    def works(self, issued: Issued) -> bool:
        """Return whether a session opens anything now."""
        return who(self.hotel, issued) is not None


def who(hotel: Hotel, issued: Issued) -> Caller | None:
    """Return the caller that a session makes, None where it has ended."""
    with hotel.house.database.transaction() as tx:
        try:
            return access.authenticate(tx, issued.token, hotel.clock())
        except NotAllowedError:
            return None


def member(hotel: Hotel, staff_id: str | None = None) -> Member:
    """Return a member of staff who has chosen a password, some steps ago."""
    made = Member(hotel, staff_id or colleague(hotel))
    made.accepts(made.invited())
    hotel.clock.forward(minutes=2)
    return made


def row(person: Member) -> SignInRow:
    """Return what is on file of how somebody signs in."""
    with person.hotel.house.database.transaction() as tx:
        found = sign_ins.find(tx, OPERATOR, person.staff_id)
    assert found is not None
    return found


def signed(hotel: Hotel) -> list[tuple[str, str, Any]]:
    """Return what is on record of signing in, newest first: the outcome, by whom, and whose."""
    found = [body for body in bodies(hotel) if body["kind"] == "sign_in"]
    return [(body["outcome"], body["by"], body["details"]["staff"]) for body in found]


def refused(act: Callable[[], object]) -> NotAllowedError:
    """Return the error with which somebody was not let in."""
    with pytest.raises(NotAllowedError) as raised:
        act()
    return raised.value


def session(person: Member, *, issued: Issued | None = None) -> Caller:
    """Return the caller that a fresh session makes, or the one given."""
    found = who(person.hotel, issued or person.signs_in())
    assert found is not None
    return found


def retired(hotel: Hotel, staff_id: str) -> None:
    with hotel.house.database.transaction() as tx:
        issue(tx, OPERATOR, Role.OFFICER, label="x", at=hotel.clock())
        retire_staff(tx, OPERATOR, "console", staff_id, hotel.clock())


def waits(person: Member) -> timedelta | None:
    found = row(person).waits_until
    return None if found is None else found - person.hotel.clock()
