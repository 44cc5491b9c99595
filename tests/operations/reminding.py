"""What tests of reminders share: a hotel that has to file, ways that lead to this machine, and what came of it."""

import base64
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import text

from countenance.operations.ways import Mail, MailTls, Ways, Webhook
from countenance.store import reminders
from countenance.store.reminders import Reminder
from tests.database import OPERATOR, Hotel
from tests.operations.governed import bodies
from tests.operations.receivers import MailServer

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
#: The key that whoever receives a webhook has, and how it stands in the file.
KEY: Final = bytes(range(32))
SECRET: Final = "whsec_" + base64.b64encode(KEY).decode()


def has_to_file(hotel: Hotel) -> Hotel:
    """Put a duty to file on file, twenty working days before its last day, Monday 14 December; nothing else is near."""
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text("INSERT INTO filing_duty VALUES (:o, 'cn-2023-draft', '2026-11-02T02:00:00Z', 'persons', 10001)"),
            {"o": OPERATOR},
        )
        tx.execute(text("UPDATE device SET sign_checked_on = '2026-11-15', assessed_on = '2026-11-15'"))
    hotel.clock.now = at(date(2026, 11, 16))
    return hotel


def at(day: date, hour: int = 10) -> datetime:
    """Return an hour of a day in the place of the law."""
    return datetime.combine(day, time(hour), SHANGHAI).astimezone(UTC)


def mail(server: MailServer, **changes: Any) -> Mail:
    """Return the way to a mail server of a test."""
    said: dict[str, Any] = {"host": "localhost", "port": server.port, "tls": MailTls.NONE} | changes
    return Mail(sender="countenance@hotel.example", to=("officer@hotel.example",), **said)


def by_mail(server: MailServer, **changes: Any) -> Ways:
    """Return the ways where mail alone is set."""
    return Ways(mail=mail(server, **changes), console_url="https://faces.hotel.example/console/filing", seconds_max=5)


def hook(port: int, secret: Path, *, scheme: str = "https", private: bool = True, path: str = "/in?to=1") -> Ways:
    """Return the ways where a webhook alone is set."""
    return Ways(webhook=Webhook(f"{scheme}://localhost:{port}{path}", secret, private), seconds_max=1)


def held(hotel: Hotel, way: str = "mail") -> list[Reminder]:
    """Return what is kept of the reminders by a way, the newest first."""
    with hotel.house.database.reading() as tx:
        return [each for each in reminders.listed(tx, OPERATOR, 1000) if each.way == way]


def recorded(hotel: Hotel, way: str = "mail") -> list[str]:
    """Return what is on record of a way, oldest first."""
    said = [
        body for body in reversed(bodies(hotel)) if body["kind"] == "reminder" and body["details"].get("way") == way
    ]
    return [body["outcome"] for body in said]
