"""What tests of the pages about filing share: a hotel that has grown for months, and an authority it is paired with."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from countenance.filing.raising import look
from countenance.operations import correspond
from countenance.operations.correspond import Correspondence
from countenance.operations.dossier import Sources
from countenance.settings import Settings
from countenance.store import persons
from countenance.store.gathering import PLACE
from tests.database import OPERATOR, Hotel
from tests.doors.authority_front import CLERK, AuthorityFront, authority_front
from tests.operations.exchanging import register_database

#: A summer at the desk: so many more every day, the weekend's among them.
A_WEEK = (9, 11, 12, 14, 22, 31, 21)


def grown(hotel: Hotel, until: int, days: int = 90, *, in_backups: int = 0) -> None:
    """Let the count have come to so many persons over days, as a hotel's does; nobody is enrolled for it."""
    today, level = hotel.clock().astimezone(PLACE).date(), until
    rows = []
    for back in range(days):
        came = A_WEEK[(today - timedelta(days=back)).weekday()]
        rows.append({
            "o": OPERATOR, "d": today - timedelta(days=back), "a": came + 3, "g": 3, "l": level - came, "h": level,
            "n": level, "u": level + in_backups,
        })  # fmt: skip
        level -= came
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text(
                "INSERT INTO person_day (operator_id, day, arrived, departed, lowest, highest, last, upper)"
                " VALUES (:o, :d, :a, :g, :l, :h, :n, :u) ON CONFLICT (operator_id, day) DO UPDATE SET"
                " arrived = :a, departed = :g, lowest = :l, highest = :h, last = :n, upper = :u"
            ),
            rows,
        )
        persons.hold(tx, OPERATOR)
        persons.change(
            tx,
            OPERATOR,
            persons=until,
            in_backups=in_backups,
            highest=until,
            highest_ever=until,
            cumulative=until + 270,
        )
        look(tx, hotel.house.packs, OPERATOR, hotel.clock())


def correspondence(hotel: Hotel, settings: Settings) -> Correspondence:
    """Return the operator's side of the exchange, as its pages have it."""
    return Correspondence(Sources.of(hotel.house, settings), hotel.house.vault, hotel.house.clock)


@contextmanager
def authority_beside(hotel: Hotel, postgres: str, folder: Path) -> Iterator[AuthorityFront]:
    """Serve an authority whose clock shows what the hotel's does."""
    with ExitStack() as stack:
        database = stack.enter_context(register_database(postgres))
        made = authority_front(database, folder, stack)
        made.clock.now = hotel.clock()
        yield made


def pair(hotel: Hotel, settings: Settings, authority: AuthorityFront) -> str:
    """Pair the hotel with an authority, and return by which word the authority knows it."""
    code = authority.desk.code(CLERK).code
    return correspond.pair(correspondence(hotel, settings), OPERATOR, authority.url, code).party
