"""What tests of the pages share that need no browser: the pages over HTTP, and visitors with cookies of their own."""

import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx

from countenance import access
from countenance.store import subjects
from countenance.vocabulary import Role
from tests.database import KIOSK, OFFICER, OPERATOR, Hotel
from tests.operations.signing import Member, member

#: The type of what a page's form sends.
FORM = "application/x-www-form-urlencoded"


@dataclass
class Visitor:
    """Somebody with a browser: keeps cookies, follows nothing by itself."""

    client: httpx.Client
    csrf: str = ""

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Fetch a page, and remember the mark that its forms carry."""
        answer = self.client.get(path, **more)
        self.csrf = mark(answer) or self.csrf
        return answer

    def post(self, path: str, fields: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """Send a form with the mark of the page that was fetched last."""
        answer = self.client.post(path, data={"csrf": self.csrf} | (fields or {}), **more)
        self.csrf = mark(answer) or self.csrf
        return answer

    def cookie(self, name: str) -> str:
        """Return what a cookie holds."""
        (value,) = [each.value or "" for each in self.client.cookies.jar if each.name == name]
        return value

    def with_cookie(self, name: str, value: str, path: str = "/") -> "Visitor":
        """Hold a cookie that no page set."""
        self.client.cookies.set(name, value, domain="127.0.0.1", path=path)
        return self


@dataclass
class Front:
    """The hotel's pages at an address."""

    url: str
    hotel: Hotel
    contexts: ExitStack = field(repr=False)

    def visitor(self, **headers: str) -> Visitor:
        """Return somebody who comes with an empty browser."""
        client = httpx.Client(base_url=self.url, timeout=60, trust_env=False, headers=headers)
        return Visitor(self.contexts.enter_context(client))

    def credential(self, role: Role, ref: str | None = None, *, label: str = "test") -> str:
        """Make a credential and return its token."""
        house = self.hotel.house
        with house.database.transaction() as tx:
            found = subjects.find(tx, OPERATOR, ref) if ref else None
            device = KIOSK if role is Role.DEVICE else None
            subject = found.subject_id if found else None
            at = house.clock()
            return access.issue(tx, OPERATOR, role, label=label, at=at, device_id=device, subject_id=subject).token

    def sign_in(self, person: Member, by: Visitor | None = None, **changes: str) -> httpx.Response:
        """Send the form of the sign-in page."""
        told = {"operator": OPERATOR, "staff": person.staff_id, "password": person.password, "code": person.code()}
        return (by or self.visitor()).post("/console/sign-in", told | changes)

    def link(self, ref: str = "guest") -> str:
        """Make a one-time link for a guest and return its token."""
        return access.issue_link(self.hotel.house, OFFICER, ref).token

    def officer(self, person: Member | None = None) -> Visitor:
        """Return a member of staff who has signed in and looks at the console."""
        visitor = self.visitor()
        answer = self.sign_in(person or member(self.hotel), visitor)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console"), answer.text
        self.hotel.clock.forward(seconds=30)
        assert visitor.get("/console").status_code == 200
        return visitor

    def kiosk(self) -> Visitor:
        """Return a browser that is paired with the kiosk and shows its first page."""
        visitor = self.visitor()
        assert visitor.post(f"/kiosk/{KIOSK}/pair", {"token": self.credential(Role.DEVICE)}).status_code == 303
        assert visitor.get(f"/kiosk/{KIOSK}").status_code == 200
        return visitor

    def subject(self, ref: str = "guest") -> Visitor:
        """Return a guest who has opened a link and looks at their own page."""
        visitor = self.visitor()
        assert visitor.post("/me", {"token": self.link(ref)}).status_code == 303
        assert visitor.get("/me/mine").status_code == 200
        return visitor


def mark(answer: httpx.Response) -> str:
    """Return the mark of a page's forms, empty where it has none."""
    found = re.search(r'name="csrf" value="([0-9a-f]{32})"', answer.text)
    return found[1] if found else ""


def carried(answer: httpx.Response) -> dict[str, str]:
    """Return the hidden fields of a page's forms."""
    return dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', answer.text))
