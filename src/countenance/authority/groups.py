"""Groups: how many distinct persons affiliates hold together, between two bounds, and nobody's identifier is seen.

Without sketches a group holds no fewer than its largest member and no more than the sum. Where members shared sketches
under the group's key these are merged, and who shared none is added on the upper side.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from countenance.authority.office import Office
from countenance.authority.reading import name_of
from countenance.authority.seen import Counted, Group, Member
from countenance.errors import CountenanceError, NotFoundError
from countenance.filing.exchange import GroupKey, Kind
from countenance.filing.lines import lines
from countenance.filing.sketches import Sketch, Union, key_id, merge, read
from countenance.store.database import Transaction
from countenance.store.register import figures, parties
from countenance.store.register.figures import ShareRow, StatedRow
from countenance.store.register.parties import PartyRow
from countenance.vault.keys import FIRST

#: No key lay under a longer name: the names of files end there.
_PLAIN_BYTES_MAX: Final = 110


@dataclass(frozen=True, slots=True)
class _Held:
    """A member with everything that is on file about its count."""

    party: PartyRow
    stated: StatedRow | None
    share: ShareRow | None
    sketch: Sketch | None

    @property
    def lower(self) -> int:
        return max(0 if self.stated is None else self.stated.lower, 0 if self.sketch is None else self.sketch.persons)

    @property
    def upper(self) -> int:
        return max(0 if self.stated is None else self.stated.upper, 0 if self.sketch is None else self.sketch.persons)


def groups(office: Office, tx: Transaction) -> list[Group]:
    """Return every group that has members, by name."""
    members: dict[str, list[PartyRow]] = {}
    for party in parties.every(tx):
        if party.group_name is not None:
            members.setdefault(party.group_name, []).append(party)
    stated = figures.newest(tx)
    return [_group(office, tx, name, rows, stated) for name, rows in sorted(members.items())]


def group(office: Office, tx: Transaction, name: str) -> Group:
    """Return one group; raises NotFoundError for one without members."""
    found = next((each for each in groups(office, tx) if each.name == name), None)
    if found is None:
        raise NotFoundError("There is no such group.", "没有该集团。")
    return found


def issue_key(office: Office, tx: Transaction, name: str, by: str) -> None:
    """Send every member of a group its key, made the first time; raises NotFoundError for a group without members."""
    if not any(each.group_name == name for each in parties.every(tx)):
        raise NotFoundError("There is no such group.", "没有该集团。")
    holder = _holder(office, name)
    if FIRST not in office.group_keys.generations(holder):
        office.group_keys.create(holder)
    key = office.group_keys.open(holder)
    body = GroupKey(group=name, key_id=key_id(key), key=key.hex())
    key[:] = bytes(len(key))
    for each in parties.every(tx):
        party = parties.find(tx, each.party_id, lock=True)
        if party is not None and party.group_name == name:
            office.say(tx, party, Kind.GROUP_KEY, body, by=by)


def _holder(office: Office, name: str) -> str:
    """Return under which word the key of a group lies: a digest of its name, which may be longer than a file's name is.

    Keys that were made under the name itself stay there.
    """
    plain = len(name.encode()) <= _PLAIN_BYTES_MAX and FIRST in office.group_keys.generations(name)
    return name if plain else hashlib.sha256(name.encode()).hexdigest()


def _group(office: Office, tx: Transaction, name: str, rows: Sequence[PartyRow], stated: dict[str, StatedRow]) -> Group:
    shares = figures.shares(tx, name)
    listed = sorted(rows, key=lambda row: (name_of(row), row.party_id))
    held = [_held(office, party, stated.get(party.party_id), shares.get(party.party_id)) for party in listed]
    union = _union(held)
    lower, upper = _bounds(held, union)
    # Warnings go by the plain sum, which no sketch lowers: a bound that holds nineteen times in twenty is not enough.
    total, most = sum(each.upper for each in held), max((each.upper for each in held), default=0)
    over = tuple(
        pack.name
        for pack, line in lines(office.packs, office.clock())
        if line.persons_from is not None and total >= line.persons_from > most
    )
    return Group(
        name=name,
        members=tuple(_member(each) for each in held),
        lower=lower,
        upper=upper,
        estimate=None if union is None else union.estimate,
        error=None if union is None else union.error,
        sketched=0 if union is None else union.sketches,
        key_id=None if union is None else union.key_id,
        over=over,
    )


def _held(office: Office, party: PartyRow, stated: StatedRow | None, share: ShareRow | None) -> _Held:
    """Return a member; a sketch that cannot be read counts as none."""
    sketch = None
    if share is not None:
        try:
            sketch = read(office.files.read(share.sha256))
        except CountenanceError:
            sketch = None
    return _Held(party, stated, share, sketch)


def _union(held: Sequence[_Held]) -> Union | None:
    """Return the union of the sketches under the key that most members used, None for fewer than two."""
    by_key: dict[str, list[Sketch]] = {}
    for each in held:
        if each.sketch is not None:
            by_key.setdefault(each.sketch.key_id, []).append(each.sketch)
    most = max(by_key.values(), key=len, default=[])
    return merge(most) if len(most) > 1 else None


def _bounds(held: Sequence[_Held], union: Union | None) -> tuple[int, int]:
    """Return how many persons a group holds at least and at most."""
    largest, total = max((each.lower for each in held), default=0), sum(each.upper for each in held)
    if union is None:
        return largest, total
    outside, beyond = 0, 0
    for each in held:
        if each.sketch is None or each.sketch.key_id != union.key_id:
            outside += each.upper
        else:  # what it stated beyond its sketch may be anybody
            beyond += each.upper - each.sketch.persons
    return max(largest, union.lower), min(total, union.upper + outside + beyond)


def _member(held: _Held) -> Member:
    stated = held.stated
    counted = None if stated is None else Counted(stated.lower, stated.upper, stated.highest, stated.cumulative)
    return Member(
        party_id=held.party.party_id,
        party_name=name_of(held.party),
        day=None if stated is None else stated.day,
        counted=counted,
        sketched_at=None if held.sketch is None or held.share is None else held.share.at,
    )
