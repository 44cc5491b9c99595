"""What tests of the count share: persons put on file as if they had been enrolled, and what is then seen."""

from sqlalchemy import text

from countenance.filing import signals as signs
from countenance.filing.duty import FilingReport, reports
from countenance.filing.signals import SignalKind
from countenance.forget import forget_subject
from countenance.operations.declare import declare
from countenance.sites.declaration import read_site
from countenance.store import persons, subjects
from countenance.store.persons import Figures
from tests.database import HOTEL, OPERATOR, PURPOSE, Hotel

TEXT = HOTEL.read_text(encoding="utf-8")


def figures(hotel: Hotel) -> Figures:
    with hotel.house.database.reading() as tx:
        return persons.figures(tx, OPERATOR)


def known(hotel: Hotel, number: int, name: str = "known") -> list[str]:
    """Put so many persons on file under identifiers, each with a key, counted as enrolments count."""
    refs = [f"{name}-{each}" for each in range(number)]
    vault = hotel.house.vault(OPERATOR)
    with hotel.house.database.transaction() as tx:
        key = persons.return_key(tx, OPERATOR) or persons.keep_return_key(tx, OPERATOR, vault.new_return_key())
        tx.execute(
            text(
                "WITH made AS (INSERT INTO subject (operator_id, subject_id, ref, return_token, created_at)"
                " SELECT :o, gen_random_uuid(), r, t, now()"
                " FROM unnest(CAST(:r AS text[]), CAST(:t AS int[])) AS u(r, t)"
                " RETURNING subject_id)"
                " INSERT INTO subject_key SELECT :o, subject_id, :p, '\\x00', now() FROM made"
            ),
            {"o": OPERATOR, "r": refs, "t": [vault.return_token(key, ref) for ref in refs], "p": PURPOSE},
        )
        now = persons.hold(tx, OPERATOR)
        persons.change(tx, OPERATOR, persons=now.persons + number, highest=now.persons + number)
    return refs


def gone(hotel: Hotel, refs: list[str]) -> None:
    """Erase those, as an erasure does."""
    with hotel.house.database.transaction() as tx:
        for ref in refs:
            held = subjects.find(tx, OPERATOR, ref, lock=True)
            assert held is not None
            forget_subject(tx, OPERATOR, held.subject_id, hotel.clock())


def seen(hotel: Hotel) -> dict[SignalKind, dict[str, object]]:
    with hotel.house.database.reading() as tx:
        group = signs.group_bounds(tx, OPERATOR)
        found = signs.signals(tx, hotel.house.packs, OPERATOR, hotel.clock(), group)
        return {each.kind: each.said for each in found}


def reports_of(hotel: Hotel) -> dict[str, FilingReport]:
    """Return how the duty stands under each pack."""
    with hotel.house.database.reading() as tx:
        return {each.pack: each for each in reports(tx, hotel.house.packs, OPERATOR, hotel.clock())}


def apply(hotel: Hotel, site: str) -> None:
    declare(hotel.house.database, hotel.keys, hotel.house.packs, read_site(site.encode()), hotel.clock())
