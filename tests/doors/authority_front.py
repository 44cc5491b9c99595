"""What tests of an authority's pages share: its server over HTTP, clerks with browsers, operators that file there."""

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from countenance.app.authority import (
    AuthoritySettings,
    authority_threads,
    make_authority_application,
    pages_of,
)
from countenance.authority.desk import Desk
from countenance.filing.exchange import ATTACHMENTS, COLLECT, KEY, MESSAGES, PAIR, Message
from countenance.log.notes import Verifier
from countenance.store.database import Database
from countenance.store.register.tables import metadata
from tests.doors.conftest import served
from tests.doors.fronts import Visitor
from tests.operations.exchanging import Clock, Operator, make_desk

CLERK, PASSWORD = "Chen", "four quiet herons wait"
AUTHORITY = "Harbour District Office"


@dataclass
class AuthorityFront:
    """An authority's server at an address."""

    url: str
    desk: Desk
    clock: Clock
    contexts: ExitStack = field(repr=False)

    def visitor(self, **headers: str) -> Visitor:
        """Return somebody who comes with an empty browser."""
        client = httpx.Client(base_url=self.url, timeout=60, trust_env=False, headers=headers)
        return Visitor(self.contexts.enter_context(client))

    def clerk(self, name: str = CLERK, password: str = PASSWORD) -> Visitor:
        """Return a clerk who has signed in and looks at the desk."""
        visitor = self.visitor()
        answer = visitor.post("/desk/sign-in", {"name": name, "password": password})
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk"), answer.text
        assert visitor.get("/desk").status_code == 200
        return visitor

    def everything(self) -> list[str]:
        """Return every row of the authority's database."""
        with self.desk.office.database.transaction() as tx:
            return sorted(
                f"{table.name} {row!r}" for table in metadata.sorted_tables for row in tx.execute(select(table))
            )


def authority_front(database: Database, folder: Path, contexts: ExitStack, **settings: Any) -> AuthorityFront:
    """Serve an authority with one clerk, and return it."""
    clock = Clock()
    desk = make_desk(database, folder, clock)
    desk.add_clerk(CLERK, PASSWORD)
    chosen = AuthoritySettings(name=AUTHORITY, **settings)
    threads = authority_threads(chosen)
    application = make_authority_application(desk, chosen, threads, pages_of(desk, chosen, threads))
    return AuthorityFront(contexts.enter_context(served(application)), desk, clock, contexts)  # type: ignore[arg-type]


@dataclass
class Wire:
    """An operator's side of the exchange over HTTP."""

    url: str
    operator: Operator

    def pair(self, code: str) -> None:
        """Show the code, having fetched the authority's key."""
        key = Verifier.of_vkey(httpx.get(f"{self.url}{KEY}", trust_env=False).text.strip())
        self.operator.opens(self._post(PAIR, self.operator.pairs(code, key)).content)

    def send(self, note: bytes, *files: bytes) -> str:
        """Send a message with its files, and return by what it is known."""
        receipt = self.operator.receipt(self._post(MESSAGES, note).content)
        by_digest = {hashlib.sha256(each).hexdigest(): each for each in files}
        for missing in receipt.missing:
            sent = httpx.put(f"{self.url}{ATTACHMENTS}/{missing}", content=by_digest[missing], trust_env=False)
            assert sent.status_code == 204, sent.text
        return str(receipt.of)

    def collect(self) -> list[Message]:
        """Return what the authority has sent."""
        found = self._post(COLLECT, self.operator.collects()).json()
        return [self.operator.opens(each["note"].encode()) for each in found["messages"]]

    def _post(self, path: str, note: bytes) -> httpx.Response:
        answer = httpx.post(f"{self.url}{path}", content=note, trust_env=False, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer
