"""What tests of receipts share: a guest who says yes and holds a receipt, and what is to be seen with it."""

from dataclasses import replace
from typing import Any

from sqlalchemy import text

from countenance import access
from countenance.operations import receipts
from countenance.operations.consent import Consented, consent
from countenance.operations.parts import AttackSuspected, Holder, NotAcquired, Refused, Verified
from countenance.operations.verify import Claim, verify
from countenance.subjects.consents import GIVEN, Said
from countenance.vocabulary import AgeClass, ConsentForm, Scope
from tests.database import DEVICE, KIOSK, PURPOSE, SESSION, Hotel


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


def claimed(
    hotel: Hotel, ref: str, picture: bytes, **changes: Any
) -> Verified | NotAcquired | AttackSuspected | Refused:
    claim = Claim(subject_ref=ref, purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    return verify(hotel.house, DEVICE, replace(claim, **changes), picture)


def counted(hotel: Hotel, table: str) -> int:
    with hotel.house.database.transaction() as tx:
        return int(tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def shown(uses: receipts.Uses) -> list[tuple[str, str]]:
    return [(use.action, use.outcome) for use in uses.uses]


def refusing(use: receipts.UseShown) -> set[tuple[str, str]]:
    return {(each["pack"], each["article"]) for each in use.articles}
