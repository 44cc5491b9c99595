"""What tests of signing in share: the app that makes codes, written out here, and people who have chosen a password."""

import base64
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from countenance import access
from countenance.errors import NotAllowedError
from countenance.operations.credentials import Issued
from countenance.operations.parts import Caller
from countenance.operations.sign_in import accept, invite, sign_in, welcome
from tests.database import OPERATOR, Hotel
from tests.operations.governed import colleague

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
