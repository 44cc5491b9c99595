"""Receipts that act: one call ends a consent, binds at the next decision, and leaves the certificate of erasure."""

import json
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from countenance.errors import ConflictError, NotAllowedError, NotFoundError
from countenance.operations import receipts
from countenance.operations.erase import erase
from countenance.operations.expire import expire
from countenance.operations.identify import Unnamed, identify
from countenance.operations.parts import Refused, Verified
from countenance.operations.withdraw import withdraw
from countenance.store import records
from tests import pictures
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Hotel
from tests.operations.receipt import claimed, counted, held, receipt_for, said_yes, shown, token_of


def test_withdrawing_is_one_call_binds_at_once_and_is_certified(hotel: Hotel) -> None:
    holder = receipt_for(hotel, "guest")
    hotel.enrol("guest", pictures.admiral())
    hotel.enrol("guest", pictures.admiral_again())
    assert (counted(hotel, "subject_key"), counted(hotel, "reference"), len(hotel.house.projection)) == (1, 2, 2)

    certificate = receipts.withdraw(hotel.house, holder)

    assert (counted(hotel, "subject_key"), counted(hotel, "reference"), len(hotel.house.projection)) == (0, 0, 0)
    refused = claimed(hotel, "guest", pictures.admiral())
    assert isinstance(refused, Refused)
    assert {(finding.pack, finding.article) for finding in refused.findings} == {
        ("cn-2023-draft", "5"),
        ("cn-2025", "6"),
    }
    assert certificate["act"] == "withdrawn"
    assert certificate["destroyed"] == {"keys": 1, "references": 2, "originals": 0, "purposes": [PURPOSE]}
    assert certificate["signature"] is None
    assert "signed log under this digest" in certificate["says"]["en"]
    with hotel.house.database.transaction() as tx:
        row = records.find(tx, OPERATOR, UUID(certificate["record"]["id"]))
    assert row is not None
    body = json.loads(row.body)
    assert certificate["record"]["digest"] == f"sha256:{row.digest.hex()}"
    assert body["details"]["destroyed"] == certificate["destroyed"]
    assert (body["kind"], body["by"]) == ("withdraw", f"receipt:{holder.receipt_id}")
    assert ("withdraw", "withdrawn") in hotel.counted.seen
    assert receipts.show(hotel.house, holder).state == "withdrawn"
    assert shown(receipts.uses(hotel.house, holder))[0] == ("verify", "refused")


def test_a_second_withdrawal_has_the_same_answer_and_no_effect_on_a_consent_given_since(hotel: Hotel) -> None:
    holder = receipt_for(hotel, "guest")
    hotel.enrol("guest", pictures.admiral())
    first = receipts.withdraw(hotel.house, holder)
    receipt_for(hotel, "guest")
    hotel.enrol("guest", pictures.admiral())
    before = counted(hotel, "record")

    hotel.clock.forward(days=1)
    assert receipts.withdraw(hotel.house, holder) == first
    assert receipts.certificate(hotel.house, holder) == first
    assert (counted(hotel, "record"), counted(hotel, "reference")) == (before, 1)


@pytest.mark.parametrize("act", ["withdrawn", "refused", "erased"])
def test_whoever_ended_it_the_receipt_has_the_certificate(hotel: Hotel, act: str) -> None:
    holder = receipt_for(hotel, "guest")
    hotel.enrol("guest", pictures.admiral())
    with pytest.raises(ConflictError):
        receipts.certificate(hotel.house, holder)

    if act == "withdrawn":
        withdraw(hotel.house, DEVICE, "guest", PURPOSE)
    elif act == "refused":
        hotel.consent("guest", decision="refused")
    else:
        erase(hotel.house, OFFICER, "guest")

    certificate = receipts.certificate(hotel.house, holder)
    assert (certificate["act"], certificate["destroyed"]["keys"]) == (act, 1)
    assert receipts.show(hotel.house, holder).state == act
    assert receipts.withdraw(hotel.house, holder) == certificate


def test_another_subjects_receipt_is_not_certified(hotel: Hotel) -> None:
    other = receipt_for(hotel, "other")

    receipts.withdraw(hotel.house, receipt_for(hotel, "guest"))

    assert receipts.show(hotel.house, other).state == "given"


@pytest.mark.parametrize("withdrawn", [True, False])
def test_after_erasure_the_certificate_is_left_and_nothing_else(hotel: Hotel, withdrawn: bool) -> None:
    holder = receipt_for(hotel, "guest-in-412")
    hotel.enrol("guest-in-412", pictures.admiral())
    first = receipts.withdraw(hotel.house, holder) if withdrawn else None
    erase(hotel.house, OFFICER, "guest-in-412")

    seen = receipts.show(hotel.house, holder)

    assert seen.about is None
    assert seen.certificate == receipts.certificate(hotel.house, holder) == (first or seen.certificate)
    assert seen.state == ("withdrawn" if withdrawn else "erased")
    with pytest.raises(NotFoundError):
        receipts.uses(hotel.house, holder)
    with hotel.house.database.transaction() as tx:
        row = tx.execute(text("SELECT subject_id, event_id, record_id, certificate::text FROM receipt")).one()
    assert tuple(row)[:3] == (None, None, None)
    assert "guest-in" not in row.certificate
    receipts.withdraw(hotel.house, holder)
    assert counted(hotel, "record") == 4 + withdrawn  # notice, consent, enrol, erase


def test_a_guest_without_an_account_can_withdraw_with_the_receipt(hotel: Hotel) -> None:
    hotel.consent("resident")
    hotel.enrol("resident", pictures.admiral())
    done = said_yes(hotel, None)
    holder = held(hotel, token_of(done))

    certificate = receipts.withdraw(hotel.house, holder)

    assert certificate["destroyed"] == {"keys": 0, "references": 0, "originals": 0, "purposes": [PURPOSE]}
    search = Unnamed(consent_id=done.consent_id, purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    assert isinstance(identify(hotel.house, DEVICE, search, pictures.admiral_again()), Refused)
    assert shown(receipts.uses(hotel.house, holder)) == [("identify", "refused")]
    assert counted(hotel, "reference") == 1, "a resident's reference went with a guest's consent"


def test_a_session_that_is_over_leaves_a_certificate(hotel: Hotel) -> None:
    holder, account = receipt_for(hotel, None), receipt_for(hotel, "guest")
    hotel.clock.forward(hours=25)

    expire(hotel.house, OPERATOR)

    seen = receipts.show(hotel.house, holder)
    assert (seen.state, seen.about) == ("over", None)
    assert receipts.withdraw(hotel.house, holder) == seen.certificate
    assert receipts.show(hotel.house, account).state == "given"


def test_an_expired_consent_says_so_and_can_still_be_withdrawn(hotel: Hotel) -> None:
    holder = receipt_for(hotel, "guest", expires_at=hotel.clock() + timedelta(hours=1))
    hotel.clock.forward(hours=2)

    assert receipts.show(hotel.house, holder).state == "expired"
    assert receipts.withdraw(hotel.house, holder)["act"] == "withdrawn"


def test_a_receipt_lives_with_its_subject_and_a_certificate_for_its_days(hotel: Hotel) -> None:
    token = token_of(said_yes(hotel, "guest"))
    ended = token_of(said_yes(hotel, "other"))
    receipts.withdraw(hotel.house, held(hotel, ended))

    hotel.clock.forward(days=1094)
    expire(hotel.house, OPERATOR)
    assert receipts.certificate(hotel.house, held(hotel, ended))
    hotel.clock.forward(days=1)
    with pytest.raises(NotAllowedError):
        held(hotel, ended)
    expire(hotel.house, OPERATOR)

    assert counted(hotel, "receipt") == 1
    assert held(hotel, token)


def test_a_withdrawal_by_receipt_waits_for_a_comparison_under_way_and_the_next_one_is_refused(hotel: Hotel) -> None:
    holder = receipt_for(hotel, "guest")
    hotel.enrol("guest", pictures.admiral())
    inside, go, certificates = threading.Event(), threading.Event(), list[Mapping[str, Any]]()

    vault = hotel.house.vault(OPERATOR)
    opened = type(vault).open_template

    def slowly(self: Any, *more: Any) -> bytearray:
        inside.set()
        assert go.wait(30)
        return opened(self, *more)

    answers: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(vault), "open_template", slowly)
        verifying = threading.Thread(target=lambda: answers.append(claimed(hotel, "guest", pictures.admiral())))
        verifying.start()
        assert inside.wait(30)
        withdrawing = threading.Thread(target=lambda: certificates.append(receipts.withdraw(hotel.house, holder)))
        withdrawing.start()
        withdrawing.join(timeout=0.5)
        assert withdrawing.is_alive(), "the withdrawal did not wait for the subject"
        assert counted(hotel, "subject_key") == 1
        go.set()
        verifying.join(timeout=30)
        withdrawing.join(timeout=30)

    assert isinstance(answers[0], Verified)
    assert certificates[0]["destroyed"]["keys"] == 1
    assert isinstance(claimed(hotel, "guest", pictures.admiral()), Refused)


def test_many_withdrawals_at_once_are_one(hotel: Hotel) -> None:
    holder = receipt_for(hotel, "guest")
    hotel.enrol("guest", pictures.admiral())
    certificates: list[str] = []
    threads = [
        threading.Thread(target=lambda: certificates.append(json.dumps(receipts.withdraw(hotel.house, holder))))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert len(certificates) == 6
    assert len(set(certificates)) == 1
    assert [outcome for action, outcome in hotel.counted.seen if action == "withdraw"] == ["withdrawn"]
