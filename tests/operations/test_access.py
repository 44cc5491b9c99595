"""Credentials: shown once, kept as digests, refused alike for every reason, bound to their device."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from countenance.access import authenticate, issue, require
from countenance.errors import NotAllowedError, NotFoundError
from countenance.store import credentials
from countenance.vocabulary import Role
from tests.database import DEVICE, KIOSK, OPERATOR, Hotel


def test_a_credential_lets_in_until_it_is_revoked_or_ends(hotel: Hotel) -> None:
    now = hotel.clock()
    with hotel.house.database.transaction() as tx:
        made = issue(tx, OPERATOR, Role.DEVICE, label="k", at=now, device_id=KIOSK, expires_at=now + timedelta(hours=1))
        caller = authenticate(tx, made.token, now)
        assert (caller.operator_id, caller.role, caller.device_id) == (OPERATOR, Role.DEVICE, KIOSK)
        with pytest.raises(NotAllowedError):
            authenticate(tx, made.token, now + timedelta(hours=1))
        assert credentials.revoke(tx, OPERATOR, made.credential_id, now)
        assert not credentials.revoke(tx, OPERATOR, made.credential_id, now)
        with pytest.raises(NotAllowedError):
            authenticate(tx, made.token, now)


def test_the_secret_is_nowhere_on_file(hotel: Hotel) -> None:
    with hotel.house.database.transaction() as tx:
        made = issue(tx, OPERATOR, Role.OFFICER, label="o", at=hotel.clock())
        row = tx.execute(text("SELECT row_to_json(credential)::text FROM credential")).scalar_one()
    secret = made.token.split("_", 2)[2]

    assert secret not in row
    assert secret not in repr(made)


@pytest.mark.parametrize("harm", ["none", "empty", "other secret", "other id", "junk", "long", "spaces"])
def test_every_wrong_token_is_refused_in_the_same_words(hotel: Hotel, harm: str) -> None:
    with hotel.house.database.transaction() as tx:
        token = issue(tx, OPERATOR, Role.OFFICER, label="o", at=hotel.clock()).token
        wrong = {
            "none": None,
            "empty": "",
            "other secret": token[:-4] + ("AAAA" if not token.endswith("AAAA") else "BBBB"),
            "other id": "cn_" + "a" * 12 + token[15:],
            "junk": "' OR 1=1 --",
            "long": token + "A" * 5000,
            "spaces": f" {token}",
        }[harm]
        with pytest.raises(NotAllowedError) as raised:
            authenticate(tx, wrong, hotel.clock())

    assert raised.value.known is False
    assert raised.value.en.startswith("No valid credential")


def test_a_device_credential_needs_its_device_and_others_may_name_none(hotel: Hotel) -> None:
    with hotel.house.database.transaction() as tx:
        for role, device in ((Role.DEVICE, None), (Role.DEVICE, "nowhere"), (Role.OFFICER, KIOSK)):
            with pytest.raises(NotFoundError):
                issue(tx, OPERATOR, role, label="x", at=hotel.clock(), device_id=device)
        with pytest.raises(NotFoundError):
            issue(tx, "nobody", Role.OFFICER, label="x", at=hotel.clock())
        with pytest.raises(NotFoundError):
            issue(tx, OPERATOR, Role.SUBJECT, label="x", at=hotel.clock())


def test_a_role_may_do_what_is_its_own() -> None:
    require(DEVICE, Role.DEVICE, Role.OFFICER)
    with pytest.raises(NotAllowedError) as raised:
        require(DEVICE, Role.OFFICER)
    assert raised.value.known
