"""Receipts: the holder of one, without an account, sees every use of a consent, ends it, and keeps the certificate."""

import hmac
import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from countenance import access
from countenance.errors import ConflictError, LimitError, NotAllowedError, NotFoundError
from countenance.operations import receipts
from countenance.operations.consent import Consented, consent
from countenance.operations.erase import erase
from countenance.operations.expire import expire
from countenance.operations.identify import Unnamed, identify
from countenance.operations.parts import Caller, Holder, Identified, NotAcquired, Refused, Verified
from countenance.operations.verify import Claim, verify
from countenance.operations.withdraw import withdraw
from countenance.reception.pace import Pace, network
from countenance.store import records
from countenance.subjects.consents import GIVEN, Said
from countenance.vault.bearers import Minted, mint, presented
from countenance.vocabulary import AgeClass, ConsentForm, ReceiptKind, Role, Scope
from tests import pictures
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Hotel


def said_yes(hotel: Hotel, ref: str | None, **changes: Any) -> Consented:
    said = Said(
        purpose=PURPOSE,
        decision=GIVEN,
        served_id=hotel.serve(),
        subject_ref=ref,
        age_class=AgeClass.ADULT,
        form=ConsentForm.SEPARATE,
        scopes=tuple(Scope),
    )
    return consent(hotel.house, DEVICE, replace(said, **changes))


def token_of(done: Consented) -> str:
    assert done.receipt is not None
    return done.receipt.token


def held(hotel: Hotel, token: str) -> Holder:
    with hotel.house.database.transaction() as tx:
        return access.holder(tx, token, hotel.clock())


def receipt_for(hotel: Hotel, ref: str | None, **changes: Any) -> Holder:
    return held(hotel, token_of(said_yes(hotel, ref, **changes)))


def claimed(hotel: Hotel, ref: str, picture: bytes, **changes: Any) -> Verified | NotAcquired | Refused:
    claim = Claim(subject_ref=ref, purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    return verify(hotel.house, DEVICE, replace(claim, **changes), picture)


def counted(hotel: Hotel, table: str) -> int:
    with hotel.house.database.transaction() as tx:
        return int(tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def shown(uses: receipts.Uses) -> list[tuple[str, str]]:
    return [(use.action, use.outcome) for use in uses.uses]


def refusing(use: receipts.UseShown) -> set[tuple[str, str]]:
    return {(each["pack"], each["article"]) for each in use.articles}


def test_a_receipt_says_what_why_under_which_article_until_when_and_where_on_record(hotel: Hotel) -> None:
    done = said_yes(hotel, "guest", expires_at=hotel.clock() + timedelta(days=9))

    seen = receipts.show(hotel.house, held(hotel, token_of(done)))

    assert (seen.kind, seen.state, seen.certificate) == (ReceiptKind.CONSENT, "given", None)
    assert seen.operator["contact"]
    about = seen.about
    assert about is not None
    assert (about.use.action, about.use.outcome) == ("consent", "given")
    assert set(about.scopes) == {scope.value for scope in Scope}
    assert about.purpose is not None
    assert about.purpose["title"]["zh"]
    assert about.notice_version == 1
    assert {("cn-2023-draft", "5"), ("cn-2025", "6")} <= refusing(about.use)
    assert {each["outcome"] for each in about.use.articles} == {"asks"}
    assert about.use.packs["cn-2025"]["edition"].startswith("sha256:")
    assert about.ends_at == (hotel.clock() + timedelta(days=9)).isoformat()
    assert about.retention_days == 30
    assert about.use.record == done.recorded.as_json()
    assert about.use.device is not None
    assert about.use.device.device_id == KIOSK
    assert (about.number > 0, about.intact) == (True, True)


def test_every_use_is_shown_refusals_too_and_the_newest_first(hotel: Hotel) -> None:
    claimed(hotel, "guest", pictures.admiral())  # before the consent, so not a use of it
    holder = receipt_for(hotel, "guest", scopes=(Scope.ENROL, Scope.OFF_DEVICE_STORAGE, Scope.VERIFY))
    hotel.consent("other")
    hotel.enrol("guest", pictures.admiral())
    hotel.enrol("other", pictures.astronaut())
    claimed(hotel, "guest", pictures.admiral_again())
    claimed(hotel, "guest", pictures.astronaut())
    claimed(hotel, "other", pictures.astronaut())
    claimed(hotel, "guest", pictures.nobody())
    claimed(hotel, "guest", pictures.admiral(), device_id="room-camera")
    claimed(hotel, "guest", pictures.admiral(), purpose="advertising")

    found = receipts.uses(hotel.house, holder)

    assert shown(found) == [
        ("verify", "refused"),
        ("verify", "failure_to_acquire"),
        ("verify", "non_match"),
        ("verify", "match"),
        ("enrol", "enrolled"),
    ]
    assert {("cn-2023-draft", "6"), ("cn-2025", "13")} <= refusing(found.uses[0])
    assert [use.articles for use in found.uses[1:]] == [(), (), (), ()]
    assert found.uses[3].device is not None
    assert (found.uses[3].device.device_id, found.uses[3].device.venue) == (KIOSK, "Harbour Hotel")
    assert found.following is None
    with hotel.house.database.transaction() as tx:
        for use in found.uses:
            row = records.find(tx, OPERATOR, UUID(use.record["id"]))
            assert row is not None
            assert use.record["digest"] == f"sha256:{row.digest.hex()}"


def test_uses_come_in_pages_that_lose_and_repeat_nothing(hotel: Hotel) -> None:
    holder = receipt_for(hotel, "guest")
    for _ in range(5):
        claimed(hotel, "guest", pictures.nobody())

    pages, before = [], None
    while True:
        page = receipts.uses(hotel.house, holder, before=before, most=2)
        pages.append([use.record["id"] for use in page.uses])
        claimed(hotel, "guest", pictures.nobody())  # what comes while somebody reads moves no page
        before = page.following
        if before is None:
            break

    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({each for page in pages for each in page}) == 5
    with pytest.raises(NotFoundError):
        receipts.uses(hotel.house, holder, before=UUID(int=7))


def test_a_receipt_shows_the_uses_of_its_own_consent_and_not_of_a_later_one(hotel: Hotel) -> None:
    first = receipt_for(hotel, "guest")
    hotel.enrol("guest", pictures.admiral())
    second = receipt_for(hotel, "guest")
    claimed(hotel, "guest", pictures.admiral())

    assert shown(receipts.uses(hotel.house, first)) == [("enrol", "enrolled")]
    assert shown(receipts.uses(hotel.house, second)) == [("verify", "match")]
    assert receipts.show(hotel.house, first).state == "replaced"
    assert receipts.show(hotel.house, second).state == "given"


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
    assert "not signed" in certificate["says"]["en"]
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
    assert counted(hotel, "record") == 3 + withdrawn  # consent, enrol, erase


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


def test_a_guest_without_an_account_sees_the_identification_though_it_stands_under_the_residents_mark(
    hotel: Hotel,
) -> None:
    resident = receipt_for(hotel, "resident")
    hotel.enrol("resident", pictures.admiral())
    done = said_yes(hotel, None)
    passer_by = receipt_for(hotel, None)
    search = Unnamed(consent_id=done.consent_id, purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    assert isinstance(identify(hotel.house, DEVICE, search, pictures.admiral_again()), Identified)

    assert shown(receipts.uses(hotel.house, held(hotel, token_of(done)))) == [("identify", "match")]
    assert shown(receipts.uses(hotel.house, resident)) == [("identify", "match"), ("enrol", "enrolled")]
    assert shown(receipts.uses(hotel.house, passer_by)) == []
    assert receipts.show(hotel.house, held(hotel, token_of(done))).state == "withdrawn"  # it has served


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

    def slowly(self: Any, *more: Any) -> bytes:
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


def test_the_receipt_of_a_use_shows_that_use_and_can_do_nothing_else(hotel: Hotel) -> None:
    receipt_for(hotel, "guest", expires_at=hotel.clock() + timedelta(days=9))
    hotel.enrol("guest", pictures.admiral())
    stranger = claimed(hotel, "guest", pictures.astronaut())
    assert isinstance(stranger, Verified)

    holder = held(hotel, receipts.take(hotel.house, DEVICE, stranger.recorded.record_id).token)

    seen = receipts.show(hotel.house, holder)
    assert (seen.kind, seen.state) == (ReceiptKind.USE, None)
    assert seen.about is not None
    assert (seen.about.use.action, seen.about.use.outcome) == ("verify", "non_match")
    assert seen.about.ends_at is None, "a stranger learns until when the subject consented"
    assert seen.about.purpose is not None
    assert seen.about.use.record["id"] == str(stranger.recorded.record_id)
    for ask in (receipts.uses, receipts.withdraw, receipts.certificate):
        with pytest.raises(NotAllowedError) as raised:
            ask(hotel.house, holder)
        assert raised.value.known
    assert counted(hotel, "subject_key") == 1


def test_the_receipt_of_a_refusal_names_the_articles(hotel: Hotel) -> None:
    refused = claimed(hotel, "nobody-we-know", pictures.admiral())
    assert isinstance(refused, Refused)

    taken = receipts.take(hotel.house, DEVICE, refused.recorded.record_id)

    seen = receipts.show(hotel.house, held(hotel, taken.token))
    assert seen.about is not None
    assert {("cn-2023-draft", "5"), ("cn-2025", "6")} <= refusing(seen.about.use)
    assert taken.expires_at == seen.expires_at == hotel.clock() + timedelta(days=1095)


def test_the_receipt_of_a_use_is_taken_once_soon_and_by_who_made_the_record(hotel: Hotel) -> None:
    said = said_yes(hotel, "guest")
    done = [claimed(hotel, "guest", pictures.nobody()).recorded.record_id for _ in range(3)]
    other = Caller(OPERATOR, "otherkiosk22", Role.DEVICE, device_id=KIOSK)

    for caller, record_id in (
        (other, done[0]),  # another device's
        (OFFICER, done[0]),  # another role's
        (replace(DEVICE, operator_id="another-hotel"), done[0]),
        (DEVICE, said.recorded.record_id),  # not a use
        (DEVICE, UUID(int=1)),
    ):
        with pytest.raises(NotFoundError):
            receipts.take(hotel.house, caller, record_id)
    hotel.clock.forward(minutes=10)
    receipts.take(hotel.house, DEVICE, done[1])
    with pytest.raises(ConflictError):
        receipts.take(hotel.house, DEVICE, done[1])
    hotel.clock.forward(seconds=1)
    with pytest.raises(NotFoundError):
        receipts.take(hotel.house, DEVICE, done[2])
    assert counted(hotel, "receipt") == 2


def test_every_wrong_token_is_refused_in_the_same_words(hotel: Hotel) -> None:
    token, other = token_of(said_yes(hotel, "guest")), token_of(said_yes(hotel, "other"))
    with hotel.house.database.transaction() as tx:
        credential = access.issue(tx, OPERATOR, Role.OFFICER, label="o", at=hotel.clock()).token
    assert held(hotel, token) != held(hotel, other)
    flipped = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    wrong = [
        None,
        "",
        token[:-1],
        token[:40],
        flipped,
        other[:15] + token[15:],  # one receipt's id with another's secret
        mint("cr").token,
        credential,
        "cn" + token[2:],
        token.upper(),
        f" {token}",
        token + "A" * 5000,
        "' OR 1=1 --",
    ]
    said = set()
    for each in wrong:
        with pytest.raises(NotAllowedError) as raised:
            held(hotel, each or "")
        said.add((raised.value.known, raised.value.en, raised.value.zh))
    with hotel.house.database.transaction() as tx, pytest.raises(NotAllowedError) as nobody:
        access.authenticate(tx, token, hotel.clock())  # a receipt is no credential
    said.add((nobody.value.known, nobody.value.en, nobody.value.zh))

    assert len(said) == 1
    assert not next(iter(said))[0]


def test_the_secrets_of_an_unknown_and_of_a_known_receipt_are_compared_alike(
    hotel: Hotel, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, compared, real = token_of(said_yes(hotel, "guest")), list[tuple[int, int]](), hmac.compare_digest

    def watched(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return real(one, other)

    monkeypatch.setattr("countenance.vault.bearers.hmac.compare_digest", watched)
    held(hotel, token)
    with pytest.raises(NotAllowedError):
        held(hotel, mint("cr").token)

    assert compared == [(32, 32), (32, 32)]


def test_another_operators_receipt_opens_what_is_the_other_operators(hotel: Hotel) -> None:
    """A receipt says itself whose it is, so that nothing of one operator can be reached with another's."""
    holder = receipt_for(hotel, "guest")
    with hotel.house.database.transaction() as tx:
        tx.execute(text("INSERT INTO operator VALUES ('other-hotel', 'Other', 'x@other.example')"))
        tx.execute(
            text(
                "INSERT INTO receipt (operator_id, receipt_id, kind, secret_digest, issued_at, purpose, certificate)"
                " SELECT 'other-hotel', 'aaaaaaaaaaaa', kind, secret_digest, issued_at, purpose,"
                ' \'{"act": "erased"}\'::jsonb FROM receipt'
            )
        )
    other = Holder("other-hotel", "aaaaaaaaaaaa", ReceiptKind.CONSENT)

    assert receipts.withdraw(hotel.house, other) == {"act": "erased"}
    assert receipts.show(hotel.house, other).operator["name"] == "Other"
    assert receipts.show(hotel.house, holder).state == "given"


def test_the_token_is_nowhere(hotel: Hotel, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        done = said_yes(hotel, "guest")
        holder = held(hotel, token_of(done))
        hotel.enrol("guest", pictures.admiral())
        used = claimed(hotel, "guest", pictures.admiral())
        taken = receipts.take(hotel.house, DEVICE, used.recorded.record_id)
        seen = receipts.show(hotel.house, holder)
        receipts.uses(hotel.house, holder)
        certificate = receipts.withdraw(hotel.house, holder)
    secrets = [token.split("_", 2)[2] for token in (token_of(done), taken.token)]
    minted = mint("cr")

    with hotel.house.database.transaction() as tx:
        names = tx.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        rows = [row for name in names for row in tx.execute(text(f'SELECT t::text FROM "{name}" t')).scalars()]
        bodies = [bytes(body).decode() for body in tx.execute(text("SELECT body FROM record")).scalars()]
    assert len(bodies) == 5
    assert any(holder.receipt_id in row for row in rows)
    for secret in secrets:
        hidden = (rows, bodies, repr(done), repr(taken), repr(holder), repr(seen), str(certificate), caplog.text)
        for where in hidden:
            assert secret not in str(where)
            assert secret.encode().hex() not in str(where)
    assert minted.token not in repr(minted)
    assert presented("cr", minted.token) is not None
    assert isinstance(minted, Minted)


def test_an_address_of_a_receipt_keeps_the_token_from_every_server() -> None:
    assert receipts.address("https://faces.example/", "cr_x") == "https://faces.example/r#cr_x"


def test_a_qr_code_is_drawn_as_svg_and_differs_with_its_token() -> None:
    one, other = (receipts.qr(receipts.address("https://faces.example", mint("cr").token)) for _ in range(2))

    assert one.startswith(b"<?xml")
    assert b"<svg" in one
    assert b"cr_" not in one
    assert one != other


class Seconds:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_one_address_is_paced_and_no_other_waits_for_it() -> None:
    seconds = Seconds()
    pace = Pace(60, elapsed=seconds)
    through, waits = 0, set[tuple[str, int | None]]()
    for _ in range(10_000):
        try:
            pace.step("192.0.2.1")
            through += 1
        except LimitError as error:
            waits.add((error.limit, error.seconds))

    assert (through, waits) == (60, {("rate", 1)})
    pace.step("192.0.2.2")
    seconds.now += 3
    for _ in range(3):
        pace.step("192.0.2.1")
    with pytest.raises(LimitError):
        pace.step("192.0.2.1")
    seconds.now += 3600
    for _ in range(60):  # a minute's worth, however long it was quiet
        pace.step("192.0.2.1")
    with pytest.raises(LimitError):
        pace.step("192.0.2.1")


def test_a_slow_pace_says_how_long_to_wait() -> None:
    pace = Pace(2, elapsed=Seconds())
    pace.step("192.0.2.1")
    pace.step("192.0.2.1")
    with pytest.raises(LimitError) as raised:
        pace.step("192.0.2.1")
    assert raised.value.seconds == 30


def test_only_so_many_addresses_are_remembered_the_last_ones() -> None:
    pace = Pace(1, addresses_max=3, elapsed=Seconds())
    for last in range(10):
        pace.step(f"192.0.2.{last}")

    assert len(pace) == 3
    with pytest.raises(LimitError):
        pace.step("192.0.2.9")


def test_a_machine_does_not_get_more_by_its_many_addresses() -> None:
    assert network("2001:db8:1:2::1") == network("2001:db8:1:2:ffff::9")
    assert network("2001:db8:1:2::1") != network("2001:db8:1:3::1")
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") == "192.0.2.1"
    assert network(None) == network("testclient") == ""
