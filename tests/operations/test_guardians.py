"""Guardians: a relation, what showed it, and what is forgotten of them."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import text

from countenance.errors import ConflictError, MalformedError
from countenance.operations.consent import consent
from countenance.operations.erase import erase
from countenance.operations.expire import expire
from countenance.subjects.consents import Said
from countenance.vocabulary import (
    AgeClass,
    ConsentState,
    Relation,
    RelationEvidence,
)
from tests.database import (
    DEVICE,
    OFFICER,
    OPERATOR,
    PARENT,
    Hotel,
)
from tests.operations.saying import declared, entries, event, facts, publish, said

# Guardians.


def child(hotel: Hotel, **changes: object) -> Said:
    made = said(hotel.serve(), "child", age_class=AgeClass.UNDER_14, guardian=PARENT)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_guardian_consents_for_a_child(hotel: Hotel) -> None:
    done = consent(hotel.house, DEVICE, child(hotel))

    assert facts(hotel, "child").guardian is True
    written = event(hotel, done.consent_id)
    assert (written.guardian, written.guardian_relation) == ("parent-of-child", "parent")
    (entry,) = entries(hotel, "consent")
    assert entry["details"]["guardian"] == {"relation": "parent", "evidence": "household_register"}
    assert "parent-of-child" not in json.dumps(entry)
    assert "desk-3" not in json.dumps(entry)


def test_a_child_says_no_by_itself_and_never_yes(hotel: Hotel) -> None:
    consent(hotel.house, DEVICE, child(hotel, guardian=None, decision="refused"))
    for age_class in (AgeClass.UNDER_14, None):  # as declared, and as on file since
        with pytest.raises(MalformedError):
            consent(hotel.house, DEVICE, child(hotel, guardian=None, age_class=age_class))
    assert facts(hotel, "child").state is ConsentState.REFUSED


@pytest.mark.parametrize("ref", ["child", " child ", "CHILD", "ｃｈｉｌｄ"])
def test_a_child_is_not_its_own_guardian(hotel: Hotel, ref: str) -> None:
    with pytest.raises(MalformedError):
        consent(hotel.house, DEVICE, child(hotel, guardian=replace(PARENT, ref=ref)))


def test_another_minor_is_no_guardian(hotel: Hotel) -> None:
    consent(hotel.house, DEVICE, said(hotel.serve(), "brother", age_class=AgeClass.FROM_14_TO_17))
    brother = replace(PARENT, ref="brother", relation=Relation.ADULT_SIBLING)

    with pytest.raises(ConflictError):
        consent(hotel.house, DEVICE, child(hotel, guardian=brother))
    consent(hotel.house, OFFICER, said(hotel.serve(OFFICER), "brother", age_class=AgeClass.ADULT))
    assert consent(hotel.house, DEVICE, child(hotel, guardian=brother))


@pytest.mark.parametrize(
    ("relation", "evidence"),
    [
        (Relation.PARENT, RelationEvidence.APPOINTMENT),
        (Relation.GRANDPARENT, RelationEvidence.BIRTH_CERTIFICATE),
        (Relation.ADULT_SIBLING, RelationEvidence.ADOPTION_CERTIFICATE),
        (Relation.APPOINTED, RelationEvidence.HOUSEHOLD_REGISTER),
    ],
)
def test_what_was_looked_at_has_to_show_the_relation(
    hotel: Hotel, relation: Relation, evidence: RelationEvidence
) -> None:
    with pytest.raises(MalformedError):
        consent(hotel.house, DEVICE, child(hotel, guardian=replace(PARENT, relation=relation, evidence=evidence)))


def test_a_guardian_of_whom_only_a_text_was_kept_no_longer_satisfies(hotel: Hotel) -> None:
    consent(hotel.house, DEVICE, child(hotel))
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE consent_event SET guardian_relation = NULL, guardian_evidence = NULL"))

    assert facts(hotel, "child").guardian is False


def test_erasure_leaves_nothing_that_leads_to_the_guardian(hotel: Hotel) -> None:
    copy = replace(PARENT, ref="parent-in-412", checked_by="clerk-412", evidence_digest=b"\x07" * 32)
    done = consent(hotel.house, DEVICE, child(hotel, guardian=copy))
    assert event(hotel, done.consent_id).guardian_evidence_digest == b"\x07" * 32
    erase(hotel.house, OFFICER, "child")

    left = event(hotel, done.consent_id)
    assert (left.guardian, left.guardian_checked_by, left.guardian_evidence_digest) == (None, None, None)
    assert (left.guardian_relation, left.guardian_evidence) == ("parent", "household_register")
    with hotel.house.database.transaction() as tx:
        for table in ("consent_event", "subject", "record", "served"):
            left_behind = str(tx.execute(text(f"SELECT * FROM {table}")).all())
            assert "parent-in-412" not in left_behind
            assert "clerk-412" not in left_behind


def test_the_guardian_of_a_child_without_an_account_is_forgotten_with_the_session(hotel: Hotel) -> None:
    done = consent(hotel.house, DEVICE, child(hotel, subject_ref=None))
    other = consent(hotel.house, DEVICE, child(hotel))
    hotel.clock.forward(days=1, seconds=1)
    expire(hotel.house, OPERATOR)

    assert event(hotel, done.consent_id).guardian is None
    assert event(hotel, other.consent_id).guardian == "parent-of-child"


def test_nothing_prints_a_person(hotel: Hotel) -> None:
    made = child(hotel)
    done = consent(hotel.house, DEVICE, made)

    shown = repr([made, made.guardian, event(hotel, done.consent_id), done])
    assert [word for word in ("child'", "parent-of-child", "desk-3") if word in shown] == []


@pytest.mark.parametrize(
    ("lifts", "expires"), [("guardian", "2099-01-01"), ("guardian", "2001-01-01"), ("consent", "2099-01-01")]
)
def test_a_law_may_dispense_with_the_guardian_while_it_stands(hotel: Hotel, lifts: str, expires: str) -> None:
    basis = {"citation": "some-law/article-1", "lifts": [lifts], "approved_by": "Counsel", "expires_on": expires}
    publish(hotel, declared(statutory_basis=basis))

    if (lifts, expires) == ("guardian", "2099-01-01"):
        assert consent(hotel.house, DEVICE, child(hotel, guardian=None))
    else:
        with pytest.raises(MalformedError):
            consent(hotel.house, DEVICE, child(hotel, guardian=None))
