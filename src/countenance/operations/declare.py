"""Declare: bring what is on file to a site file; a new operator gets its key, and every change its record."""

import contextlib
from datetime import datetime

from countenance.errors import IntegrityError
from countenance.filing.changes import note_changes, note_filings
from countenance.filing.raising import look
from countenance.law.pack import Packs
from countenance.record import Entry, append
from countenance.sites.apply import Change, apply, plan
from countenance.sites.declaration import Site
from countenance.store import persons
from countenance.store import sites as store
from countenance.store.database import Database
from countenance.vault.keyring import Keyring
from countenance.vault.keys import KeyProvider


def declare(
    database: Database, keys: KeyProvider, packs: Packs, site: Site, at: datetime, *, dry_run: bool = False
) -> list[Change]:
    """Apply `site` and return what changed, or with `dry_run` what would.

    A device in a public place can raise a duty to file under one of `packs`; that is on record as well.
    Raises UnavailableError when an operator on file has no key: a new one would leave its templates shut for ever.
    """
    with database.transaction() as tx:
        known = site.operator.id in store.operators(tx)
        if dry_run:
            return plan(tx, site)
        if not known:
            _new_key(keys, site.operator.id)
        Keyring(keys, site.operator.id)  # a key that is not safe to use is found now
        changes = apply(tx, site, at)
        if changes:
            append(
                tx,
                Entry(
                    operator_id=site.operator.id,
                    at=at,
                    kind="site",
                    outcome="applied",
                    by="console",
                    details={"changes": [change.as_json() for change in changes]},
                ),
            )
            persons.hold(tx, site.operator.id)
            persons.change(tx, site.operator.id, elsewhere=site.operator.persons_elsewhere)
            note_filings(tx, site.operator.id, at, site.operator.deregistered)
            note_changes(tx, packs, site.operator.id, at)
            look(tx, packs, site.operator.id, at)
    return changes


def _new_key(keys: KeyProvider, operator_id: str) -> None:
    """Make the operator's key; one left by an attempt that did not commit is taken over, as nothing was sealed yet."""
    with contextlib.suppress(IntegrityError):
        keys.create(operator_id)
