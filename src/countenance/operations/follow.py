"""Follow: memory keeps up with what other processes on the same database keep and destroy.

Nothing rests on it: whoever is found in memory is looked up again before anybody is named, and whoever withdrew is not
there. It is what makes an enrolment at one server known at the next, and what empties every server's memory of a
person within a second.
"""

import logging
from collections.abc import Iterable

from countenance.errors import CountenanceError, IntegrityError
from countenance.operations import memory
from countenance.operations.held import opened
from countenance.operations.parts import House
from countenance.store import references, signals, sites
from countenance.store.references import ReferenceRow
from countenance.vault.projection import Candidate

_log = logging.getLogger("countenance.operations")

Held = tuple[str, str, Candidate]


class Follower:
    """Keeps one house's memory like the database: by what it hears, and by looking where it may have missed a word."""

    def __init__(self, house: House) -> None:
        """Follow for a house."""
        self._house = house
        #: What memory held and the database did not at the last look: an enrolment under way, or nobody's any more.
        self._doubtful: set[Held] = set()

    def hear(self, heard: signals.Heard) -> None:
        """Take over what was kept, let go of what was destroyed; what fails is made up for by the next look."""
        house = self._house
        if not heard.kept:
            memory.let_go(house, heard.operator_id, heard.purposes, heard.subject_id, heard.references)
            return
        try:
            with house.database.reading() as tx:
                rows = references.some(tx, heard.operator_id, heard.references)
            self._remember(heard.operator_id, rows)
        except CountenanceError as error:
            self._failed(error)

    def look(self) -> None:
        """Compare memory with the database: what is missing is taken over, what is left over twice is let go."""
        house = self._house
        try:
            left_over: set[Held] = set()
            with house.database.reading() as tx:
                operators = sites.operators(tx)
            for operator_id in operators:
                held = memory.held(house, operator_id)
                with house.database.reading() as tx:
                    found = references.owners(tx, operator_id, house.engine.model_id)
                    there = {(purpose, Candidate(subject, reference)) for purpose, subject, reference in found}
                    missing = [owner.reference_id for _, owner in there - held]
                    rows = references.some(tx, operator_id, missing)
                self._remember(operator_id, rows)
                left_over |= {(operator_id, purpose, owner) for purpose, owner in held - there}
            for operator_id, purpose, owner in left_over & self._doubtful:
                memory.let_go(house, operator_id, [purpose], owner.subject_id, [owner.reference_id])
            self._doubtful = left_over - self._doubtful
        except CountenanceError as error:
            self._failed(error)

    def _failed(self, error: CountenanceError) -> None:
        """Note that memory could not follow; what does not open where it lies stops all processing, as elsewhere."""
        if isinstance(error, IntegrityError):
            self._house.alarm.set()
            _log.critical("integrity")
        _log.error("not_followed", extra={"kind": type(error).__name__})

    def _remember(self, operator_id: str, rows: Iterable[ReferenceRow]) -> None:
        house = self._house
        for row in rows:
            if row.model_id == house.engine.model_id:
                owner = Candidate(row.subject_id, row.reference_id)
                memory.remember(house, operator_id, row.purpose, owner, opened(house, operator_id, row))
