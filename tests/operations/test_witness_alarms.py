"""What contradicts what was seen of a log is kept, with the evidence; what anybody could have sent is told from it."""

from pathlib import Path

import pytest

from countenance.authority.alarms import ALARMS_MAX, AlarmKind
from countenance.authority.witness import Witness
from countenance.log.tree import extends
from countenance.log.witnesses import SIZE_TYPE
from tests.operations.witnessing import Log, alarms, cosigns, evidence, forked, witness


@pytest.fixture
def log(tmp_path: Path) -> Log:
    made = Log(tmp_path / "log")
    made.grow(5)
    return made


@pytest.fixture
def asked(tmp_path: Path, log: Log) -> Witness:
    return witness(tmp_path / "w", f"log {log.vkey}")


def test_two_histories_of_one_size_are_proof_against_the_log(asked: Witness, log: Log, tmp_path: Path):
    log.grow(3)
    asked.add_checkpoint(log.asks(0))
    other = forked(tmp_path, log, 3, 8)
    for _ in range(2):
        answered = asked.add_checkpoint(other.asks(8))
        assert (answered.status, answered.media_type == SIZE_TYPE) == (409, False)
    assert alarms(asked) == [(AlarmKind.FORK, 8, True)]
    offending, contradicted, _ = evidence(asked.alarms.listed()[0])
    assert (offending, contradicted) == (other.checkpoint(), log.checkpoint())
    assert asked.add_checkpoint(other.asks(0)).status == 409  # whatever size it names as the old one
    log.grow(1)
    cosigns(asked, asked.add_checkpoint(log.asks(8)), log.note())
    assert alarms(asked) == [(AlarmKind.FORK, 8, True)]  # what is proven stays


def test_a_history_that_forked_earlier_is_not_cosigned(asked: Witness, log: Log, tmp_path: Path):
    log.grow(3)
    asked.add_checkpoint(log.asks(0))
    other = forked(tmp_path, log, 3, 12)
    assert asked.add_checkpoint(other.asks(8)).status == 422
    assert asked.add_checkpoint(other.asks(3)).body == b"8\n"
    assert alarms(asked) == [(AlarmKind.PROOF, 12, False)]
    offending, contradicted, proof = evidence(asked.alarms.listed()[0])
    assert (offending, contradicted) == (other.checkpoint(), log.checkpoint())
    assert not extends(8, contradicted.root, 12, offending.root, proof)
    assert extends(8, other.checkpoint(8).root, 12, offending.root, proof)


def test_a_checkpoint_cosigned_earlier_may_come_again(asked: Witness, log: Log):
    first = log.note()
    asked.add_checkpoint(log.asks(0))
    log.grow(3)
    asked.add_checkpoint(log.asks(5))
    assert asked.add_checkpoint(log.asks(0, first, [])).body == b"8\n"
    assert asked.add_checkpoint(log.asks(8, first, [])).status == 400
    assert alarms(asked) == []


def test_a_smaller_checkpoint_that_was_never_seen_is_kept(asked: Witness, log: Log, tmp_path: Path):
    log.grow(3)
    asked.add_checkpoint(log.asks(0))
    assert asked.add_checkpoint(log.asks(0, log.note(6), [])).body == b"8\n"
    assert alarms(asked) == [(AlarmKind.OLDER, 6, False)]
    log.grow(1)
    asked.add_checkpoint(log.asks(8))
    other = forked(tmp_path, log, 3, 8)
    assert asked.add_checkpoint(other.asks(0)).body == b"9\n"
    assert set(alarms(asked)) == {(AlarmKind.OLDER, 6, False), (AlarmKind.FORK, 8, True)}


def test_unproven_alarms_do_not_crowd_out_a_proven_one(asked: Witness, log: Log, tmp_path: Path):
    log.grow(ALARMS_MAX + 60)
    asked.add_checkpoint(log.asks(0))
    for size in range(1, ALARMS_MAX + 20):
        assert asked.add_checkpoint(log.asks(0, log.note(size), [])).status == 409
    assert len(alarms(asked)) == ALARMS_MAX
    asked.add_checkpoint(forked(tmp_path, log, 3, log.size).asks(0))
    assert (AlarmKind.FORK, log.size, True) in alarms(asked)


def test_a_proof_that_does_not_hold_is_unprocessable_and_kept_until_it_is_explained(asked: Witness, log: Log):
    asked.add_checkpoint(log.asks(0))
    log.grow(3)
    good = log.proof(5)
    for proof in ([], good[:-1], [*good, bytes(32)], good[::-1], [bytes(32)] * 63):
        assert asked.add_checkpoint(log.asks(5, proof=proof)).status == 422
    assert alarms(asked) == [(AlarmKind.PROOF, 8, False)]  # anybody could have sent that: once, and not proven
    cosigns(asked, asked.add_checkpoint(log.asks(5)), log.note())
    assert alarms(asked) == []
    assert asked.add_checkpoint(log.asks(8, proof=[bytes(32)])).status == 422
    assert alarms(asked) == []
