"""What tests of the doors share: the demo hotel behind the real REST interface, and one credential per role."""

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from countenance import access
from countenance.api import make_api
from countenance.app import make_application
from countenance.reception.metrics import Metrics
from countenance.settings import Settings
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store import staff, subjects
from countenance.vocabulary import Role
from tests.database import HOTEL, KIOSK, OPERATOR, PURPOSE, Hotel
from tests.doors.fronts import Front

SESSION = {"started_by": "subject", "purpose_prompted": True, "alternative_offered": True}
NEIGHBOUR = "hill-hotel"
ALL_READY = {"database": True, "schema": True, "engine": True, "vault": True}


@dataclass
class Desk:
    """The hotel's REST interface as a caller sees it, and the credentials to call with."""

    client: httpx.Client
    api: FastAPI
    hotel: Hotel
    tokens: dict[str, str] = field(repr=False)
    ready: dict[str, bool]

    def call(self, method: str, path: str, role: str | None = "device", **more: Any) -> Any:
        """Send a request in a role, or in none."""
        headers = dict(more.pop("headers", {}))
        if role is not None:
            headers["Authorization"] = f"Bearer {self.tokens[role]}"
        return self.client.request(method, path, headers=headers, **more)

    def get(self, path: str, role: str | None = "officer", **more: Any) -> Any:
        """Read something."""
        return self.call("GET", path, role, **more)

    def post(self, path: str, body: Any, role: str | None = "device", **more: Any) -> Any:
        """Send a JSON body."""
        return self.call("POST", path, role, json=body, **more)

    def form(self, path: str, picture: bytes, fields: dict[str, str], role: str = "device", **more: Any) -> Any:
        """Send a picture as multipart."""
        return self.call("POST", path, role, files={"sample": ("x.jpg", picture)}, data=fields, **more)

    def serve(self, role: str = "device", **changes: Any) -> str:
        """Serve the notice and return what a decision about it names."""
        answer = self.post("/v1/notices/served", {"purpose": PURPOSE, "language": "en"} | changes, role)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["served"])

    def consent(self, ref: str | None, **changes: Any) -> Any:
        """Serve the notice and give every consent for a subject."""
        body = {
            "purpose": PURPOSE,
            "decision": "given",
            "form": "separate",
            "scopes": ["enrol", "verify", "identify", "off_device_storage"],
            "served": self.serve(),
            "age_class": "adult",
        } | ({} if ref is None else {"subject": ref})
        return self.post("/v1/consents", body | changes)

    def issue(self, role: Role, ref: str | None = None) -> str:
        """Make a credential and return its token; each of an officer is held by a person of its own."""
        house = self.hotel.house
        with house.database.transaction() as tx:
            held = f"staff-{len(staff.listed(tx, OPERATOR)) + 1}" if role is Role.OFFICER else None
            if held is not None:
                staff.add(tx, staff.StaffRow(OPERATOR, held, "A colleague", active=True, created_at=house.clock()))
            found = subjects.find(tx, OPERATOR, ref) if ref else None
            return access.issue(
                tx,
                OPERATOR,
                role,
                label="test",
                at=house.clock(),
                device_id=KIOSK if role is Role.DEVICE else None,
                subject_id=found.subject_id if found else None,
                staff_id=held,
            ).token


def about(ref: str, picture: bytes | None = None, **changes: Any) -> dict[str, Any]:
    """Return the JSON of an enrolment or a claim."""
    body = {"subject": ref, "purpose": PURPOSE, "session": SESSION}
    if picture is not None:
        body["sample"] = base64.b64encode(picture).decode()
    return body | changes


@contextmanager
def served(api: FastAPI) -> Iterator[str]:
    """Serve `api` on a free port of this machine and yield its address."""
    config = uvicorn.Config(api, log_config=None, access_log=False, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    # Made with the protocol named, as the server itself makes it: asyncio switches delays off only where it reads TCP.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=20)


@pytest.fixture
def make_desk(hotel: Hotel) -> Iterator[Callable[..., Desk]]:
    """Return a maker of desks, each with settings of its own; subject `guest-0` has a credential and a consent."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Desk:
            ready, metrics = dict(ALL_READY), Metrics()
            counted = hotel.with_house(count=metrics.count)
            api = make_api(counted.house, Settings(**settings), ready=lambda: ready, metrics=metrics)
            url = stack.enter_context(served(api))
            client = stack.enter_context(httpx.Client(base_url=url, timeout=60, trust_env=False))
            desk = Desk(client, api, counted, {}, ready)
            hotel.consent("guest-0")
            for role in Role:
                desk.tokens[role.value] = desk.issue(role, "guest-0" if role is Role.SUBJECT else None)
            return desk

        yield make


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """Return a desk with the default settings."""
    return make_desk()


@pytest.fixture
def make_front(hotel: Hotel) -> Iterator[Callable[..., Front]]:
    """Return a maker of fronts, each with settings of its own."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Front:
            metrics = Metrics()
            counted = hotel.with_house(count=metrics.count)
            made = make_application(counted.house, Settings(**settings), lambda: dict(ALL_READY), metrics)
            return Front(stack.enter_context(served(made)), counted, stack)

        yield make


@pytest.fixture
def front(make_front: Callable[..., Front]) -> Front:
    """Return the hotel's pages with the default settings."""
    return make_front()


@pytest.fixture
def neighbour(desk: Desk) -> Desk:
    """Another operator on the same server, whose officer's credential is `neighbour`."""
    site = read_site(HOTEL.read_bytes().replace(b"id: harbour-hotel", f"id: {NEIGHBOUR}".encode()))
    desk.hotel.keys.create(NEIGHBOUR)
    house = desk.hotel.house
    with house.database.transaction() as tx:
        apply(tx, site, house.clock())
        for role in (Role.OFFICER, Role.REGULATOR):
            issued = access.issue(tx, NEIGHBOUR, role, label="x", at=house.clock())
            desk.tokens[f"neighbour {role.value}"] = issued.token
    return desk


def records(desk: Desk) -> list[dict[str, Any]]:
    """Return what is on record, newest first."""
    found: list[dict[str, Any]] = [each["record"] for each in desk.get("/v1/records").json()["records"]]
    return found


def shown(answer: Any) -> str:
    """Return everything a caller gets to see of an answer."""
    return json.dumps([dict(answer.headers), answer.text])


def export(desk: Desk, consent: str, form: str = "dpv", role: str = "officer") -> Any:
    """Ask for an export of one decision."""
    return desk.get(f"/v1/consents/{consent}?format={form}", role)


def given(desk: Desk, ref: str | None = "guest-1", **changes: Any) -> str:
    """Let a subject decide and return the id of that."""
    answer = desk.consent(ref, **changes)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["consent"])
