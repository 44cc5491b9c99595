"""Upkeep: what an open house does by itself beside what it is asked: sweep, follow the database, write the logs."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from typing import Final

from countenance.errors import CountenanceError, IntegrityError, UnavailableError
from countenance.operations.correspond import Correspondence, exchange
from countenance.operations.cosign import Cosigner
from countenance.operations.counting import settle
from countenance.operations.expire import expire
from countenance.operations.follow import Follower
from countenance.operations.journal import Journal
from countenance.operations.parity import watch
from countenance.operations.parts import House
from countenance.operations.remind import remind
from countenance.operations.sequence import Sequencer
from countenance.operations.submit import state_daily
from countenance.operations.ways import Ways
from countenance.store import logged, signals, sites

_log = logging.getLogger("countenance.operations")

#: How often the house looks for what has outlived its retention, and at how the ways compare.
SWEEP_SECONDS: Final = 3600.0
#: How often memory is compared with the database as a whole; what is heard of between is taken over at once.
FOLLOW_SECONDS: Final = 300.0
#: How long after an error that nobody expected following begins again.
AGAIN_SECONDS: Final = 1.0
#: How long an erasure may be in the database alone.
JOURNAL_SECONDS: Final = 0.5
#: How long a record may be in the database alone.
SEQUENCE_SECONDS: Final = 0.5
#: How often witnesses are asked about what was signed since.
COSIGN_SECONDS: Final = 1.0
#: How often is looked for reminders that are due; they are of days.
REMIND_SECONDS: Final = 600.0
#: How often what waits for an authority is delivered, and what it says collected.
EXCHANGE_SECONDS: Final = 30.0
#: After so many looks the figures of the logs are taken.
MEASURED: Final = 10
UNEXPECTED: Final = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError, OSError)
#: What may keep a log from being written or cosigned for a while, and must not end the writing for good.
TROUBLE: Final = (CountenanceError, *UNEXPECTED)


@contextmanager
def sweeping(house: House) -> Iterator[None]:
    """Look for what has outlived its retention and at how the ways compare: at once, and every hour until the end."""

    def act(closing: threading.Event) -> None:
        while True:
            sweep(house)
            if closing.wait(SWEEP_SECONDS):
                return

    with _beside("retention", act):
        yield


@contextmanager
def following(house: House) -> Iterator[None]:
    """Let memory follow what other processes on the same database keep and destroy, until the end."""
    follower = Follower(house)

    def act(closing: threading.Event) -> None:
        while not closing.is_set():
            try:
                signals.listen(house.database, follower.hear, follower.look, closing, FOLLOW_SECONDS)
            except UNEXPECTED as error:  # a thread that ends would leave memory behind for good
                _log.error("not_followed", extra={"kind": type(error).__name__})
                closing.wait(AGAIN_SECONDS)

    with _beside("following", act):
        yield


@contextmanager
def journaling(house: House, journal: Journal) -> Iterator[None]:
    """Write down within a second what is erased, until the end, and once more then."""

    def act(closing: threading.Event) -> None:
        behind = False
        while True:
            last = closing.wait(JOURNAL_SECONDS)
            try:
                journal.follow(house.database)
                behind = False
            except CountenanceError as error:
                if not behind:  # said once, and counted until it is over
                    _log.error("journal_failed", extra={"kind": type(error).__name__})
                house.count("journal", "behind")
                behind = True
            if last:
                return

    with _beside("journal", act):
        yield


@contextmanager
def sequencing(house: House) -> Iterator[None]:
    """Put what was recorded into the logs until the end, and once more then; on the machine that writes them.

    Raises what `Sequencer.settle` raises: nothing is served where the log is not as it was signed.
    """
    sequencer = Sequencer(house.database, house.logs, house.clock)
    if not house.logs.writes:
        yield
        return
    with house.database.reading() as tx:
        operators = sites.operators(tx)
    for operator_id in operators:
        sequencer.settle(operator_id)

    def act(closing: threading.Event) -> None:
        failing: type[Exception] | None = None
        for turn in count():
            last = closing.wait(SEQUENCE_SECONDS)
            try:
                sequencer.step_all()
                failing = None
                if turn % MEASURED == 0:
                    measure_logs(house)
            except TROUBLE as error:
                if failing is not type(error):  # said once, and counted until it is over
                    _log.error("not_logged", extra={"kind": type(error).__name__})
                failing = type(error)
                house.count("log", "behind")
                if isinstance(error, IntegrityError):
                    house.alarm.set()
            if last:
                return

    with _beside("sequencing", act):
        yield


@contextmanager
def cosigning(house: House) -> Iterator[None]:
    """Have the logs cosigned by the witnesses of the policy, where there is one; on the machine that writes them.

    Raises IntegrityError where the witnesses saw more of a log than is here: it was put back, and is not gone on with.
    """
    if house.logs.policy is None or not house.logs.writes:
        yield
        return
    cosigner = Cosigner(house, house.logs.policy)
    with suppress(UnavailableError):
        cosigner.cosign_all()

    def act(ending: threading.Event) -> None:
        while not ending.wait(COSIGN_SECONDS):
            try:
                cosigner.cosign_all()
            except TROUBLE as error:
                _log.error("not_cosigned", extra={"kind": type(error).__name__})
                if isinstance(error, IntegrityError):
                    house.alarm.set()

    with closing(cosigner), _beside("cosigning", act):
        yield


@contextmanager
def reminding(house: House, ways: Ways) -> Iterator[None]:
    """Send the reminders that are due, and again those that could not be sent, until the end."""

    def act(ending: threading.Event) -> None:
        while True:
            for operator_id in _operators(house):
                try:
                    remind(house, operator_id, ways)
                except TROUBLE as error:
                    house.count("reminder", "behind")
                    _log.warning("not_reminded", extra={"kind": type(error).__name__, "operator": operator_id})
            if ending.wait(REMIND_SECONDS):
                return

    with _beside("reminding", act):
        yield


@contextmanager
def corresponding(co: Correspondence, house: House) -> Iterator[None]:
    """Deliver what waits for an authority and collect what it says, until the end; where the logs are written."""
    if not house.logs.writes:
        yield
        return

    def act(ending: threading.Event) -> None:
        while True:
            for operator_id in _operators(house):
                # A statement that cannot be made keeps nothing that waits from being delivered.
                for step in (exchange, state_daily):
                    try:
                        step(co, operator_id)
                    except TROUBLE as error:  # noted for the officer where it happens; tried again
                        house.count("exchange", "behind")
                        _log.warning("not_exchanged", extra={"kind": type(error).__name__, "operator": operator_id})
            if ending.wait(EXCHANGE_SECONDS):
                return

    with _beside("corresponding", act):
        yield


def _operators(house: House) -> list[str]:
    """Return the operators; none, which is logged, while the database does not answer."""
    try:
        with house.database.reading() as tx:
            return sites.operators(tx)
    except CountenanceError as error:
        _log.error("operators_unknown", extra={"kind": type(error).__name__})
        return []


@contextmanager
def _beside(name: str, act: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run something in a thread of its own until it is told that the house closes."""
    closing = threading.Event()
    thread = threading.Thread(target=act, args=(closing,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        closing.set()
        thread.join(timeout=5)


def sweep(house: House) -> None:
    """Sweep once, operator by operator; what fails for one is logged and tried again in the next round.

    Before anything goes, the count is settled: lines that were reached without a trace of it, as before an upgrade,
    are raised.
    """
    for operator_id in _operators(house):
        try:
            settle(house, operator_id)
            take_along(house, operator_id)
            expire(house, operator_id)
            watch(house, operator_id)
        except CountenanceError as error:
            _log.error("sweep_failed", extra={"kind": type(error).__name__, "operator": operator_id})


def take_along(house: House, operator_id: str) -> None:
    """Let records that wait for no log wait for one: a server of a version without logs left them, beside this one."""
    with house.database.snapshot() as tx:  # one instant: a record that goes in meanwhile is none of them
        found = logged.strays(tx, operator_id)
    if not found:
        return
    with house.database.transaction() as tx:
        if not logged.hold(tx, operator_id):
            return  # next time; whoever writes may be putting these in now
        found = logged.unlogged(tx, operator_id, found)
        logged.let_wait(tx, operator_id, found)
    if found:
        _log.warning("not_logged", extra={"records": len(found), "operator": operator_id})


def measure_logs(house: House) -> None:
    """Note how many records of all operators are signed, cosigned, and in no log yet."""
    with house.database.reading() as tx:
        operators = sites.operators(tx)
        rows = [row for operator_id in operators for row in logged.every(tx, operator_id)]
        house.measure("waiting", sum(logged.backlog(tx, operator_id) for operator_id in operators))
    for state, look in (("signed", house.logs.published), ("cosigned", house.logs.cosigned)):
        found = [look(row) for row in rows]
        house.measure(state, sum(each[0].size for each in found if each is not None))
