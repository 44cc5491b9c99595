"""Sign in: a member of staff is invited, chooses a password, and from then on signs in with it and a one-time code.

A session is an officer's credential that the member of staff holds for some hours; what is done in it is done by it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from countenance.errors import ConflictError, LimitError, MalformedError, NotAllowedError, NotFoundError
from countenance.operations.credentials import record_credential
from countenance.operations.parts import Caller, House
from countenance.record import Entry, append
from countenance.store import credentials, sign_ins, staff
from countenance.store.database import Transaction
from countenance.vault import passwords
from countenance.vault.bearers import agrees, mint, presented
from countenance.vault.sealing import Vault

#: The two letters with which the token of an invitation begins.
PREFIX: Final = "ci"
INVITED_FOR: Final = timedelta(hours=24)
SESSION_FOR: Final = timedelta(hours=8)
#: So often a guess may be wrong before the next has to wait, for twice as long each time, a quarter of an hour at most.
_FREE_FAILURES: Final = 5
_WAIT_MAX: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation; its token is shown once, and whoever has it first chooses the password."""

    staff_id: str
    token: str = field(repr=False)
    until: datetime


@dataclass(frozen=True, slots=True)
class Welcome:
    """Whom an invitation is for, and the address by which an app makes their codes."""

    operator_id: str
    staff_id: str
    code_address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed in: the member of staff on file, for whom the door issues a credential."""

    operator_id: str
    staff_id: str


def invite(tx: Transaction, vault: Vault, operator_id: str, by: str, staff_id: str, at: datetime) -> Invited:
    """Invite a member of staff to choose a password; what they signed in with before no longer works.

    Raises NotFoundError for somebody who is not on file or retired.
    """
    person = staff.find(tx, operator_id, staff_id, share=True)
    if person is None or not person.active:
        raise NotFoundError(
            "No such member of staff is on file. See GET /v1/staff.", "没有该工作人员。请查看 GET /v1/staff。"
        )
    minted = mint(PREFIX)
    row = sign_ins.SignInRow(
        operator_id=operator_id,
        staff_id=staff_id,
        password=None,
        code_secret=vault.seal_secret(f"codes {staff_id}", passwords.new_code_secret()),
        invitation=minted.public_id,
        invitation_digest=minted.digest,
        invited_until=at + INVITED_FOR,
    )
    sign_ins.write(tx, row)
    _record(tx, operator_id, staff_id, "invited", by, at)
    return Invited(staff_id, minted.token, at + INVITED_FOR)


def address(public_url: str, token: str) -> str:
    """Return where an invitation is opened; the token stands behind a #, which no browser sends to a server."""
    return f"{public_url.rstrip('/')}/console/welcome#{token}"


def pairing(public_url: str, device_id: str, token: str) -> str:
    """Return where a browser is given a device's credential, behind a # as well."""
    return f"{public_url.rstrip('/')}/kiosk/{device_id}/pair#{token}"


def welcome(house: House, token: str) -> Welcome:
    """Return whom an invitation is for; raises NotAllowedError alike for a wrong, used or expired one."""
    with house.database.transaction() as tx:
        row = _invited(tx, token, house.clock())
        return Welcome(row.operator_id, row.staff_id, _address(house, row))


def accept(house: House, token: str, password: str, code: str) -> Person:
    """Choose a password, and show by a code that the app works; the invitation is used up.

    Raises NotAllowedError for a wrong invitation, MalformedError for a password that is too short or a wrong code.
    """
    if not passwords.PASSWORD_CHARS_MIN <= len(password) <= passwords.PASSWORD_CHARS_MAX:
        raise MalformedError(
            f"A password has {passwords.PASSWORD_CHARS_MIN} to {passwords.PASSWORD_CHARS_MAX} characters. "
            "Four or five words are a good one.",
            f"密码须为 {passwords.PASSWORD_CHARS_MIN} 至 {passwords.PASSWORD_CHARS_MAX} 个字符，建议使用四五个词语。",
        )
    kept = passwords.hashed(password)
    at = house.clock()
    with house.database.transaction() as tx:
        row = _invited(tx, token, at)
        step = _step(house, row, code, at)
        if step is None:
            raise MalformedError(
                "The code is not the one the app shows now. Look again; the clock of the telephone must be right.",
                "验证码与应用当前显示的不符。请重新查看，并确认手机时间正确。",
            )
        used_up = replace(row, invitation=None, invitation_digest=None, invited_until=None)
        sign_ins.write(tx, replace(used_up, password=kept, chosen_at=at, code_step=step))
        _record(tx, row.operator_id, row.staff_id, "password_chosen", f"staff:{row.staff_id}", at)
    return Person(row.operator_id, row.staff_id)


def sign_in(house: House, operator_id: str, staff_id: str, password: str, code: str) -> Person:
    """Return who signs in with password and code; each code opens once.

    Raises NotAllowedError alike whatever is wrong, and LimitError where it went wrong too often. A failure is kept and
    recorded before it is answered.
    """
    at = house.clock()
    with house.database.transaction() as tx:
        person = staff.find(tx, operator_id, staff_id)
        row = sign_ins.find(tx, operator_id, staff_id) if person is not None and person.active else None
        if row is not None and row.waits_until is not None and at < row.waits_until:
            raise LimitError(
                "It went wrong too often. Wait a quarter of an hour, or ask another officer for a new invitation.",
                "错误次数过多。请等待十五分钟，或请另一位负责人重新邀请。",
                limit="rate",
            )
        right = passwords.fits(password, row.password if row is not None else None)
        step = _step(house, row, code, at) if row is not None else None
        if row is not None and right and step is not None:
            sign_ins.write(tx, replace(row, code_step=step, failures=0, waits_until=None))
            _record(tx, operator_id, staff_id, "signed_in", f"staff:{staff_id}", at)
            house.count("sign_in", "signed_in")
            return Person(operator_id, staff_id)
        if row is not None:
            sign_ins.write(tx, _failed(row, at))
            _record(tx, operator_id, staff_id, "failed", f"staff:{staff_id}", at)
    house.count("sign_in", "failed")
    raise NotAllowedError(
        "Name, password and code do not go together. A code opens once: wait for the next one.",
        "账号、密码与验证码不匹配。每个验证码只能使用一次，请等待下一个。",
        known=False,
    )


def _failed(row: sign_ins.SignInRow, at: datetime) -> sign_ins.SignInRow:
    failures = row.failures + 1
    if failures < _FREE_FAILURES:
        return replace(row, failures=failures)
    wait = min(_WAIT_MAX, timedelta(seconds=30) * 2 ** min(10, failures - _FREE_FAILURES))
    return replace(row, failures=failures, waits_until=at + wait)


def _step(house: House, row: sign_ins.SignInRow, code: str, at: datetime) -> int | None:
    """Return the step of a right code that was not used yet."""
    secret = house.vault(row.operator_id).open_secret(f"codes {row.staff_id}", row.code_secret)
    step = passwords.code_step(secret, code.replace(" ", ""), at)
    return step if step is not None and step > row.code_step else None


def _address(house: House, row: sign_ins.SignInRow) -> str:
    secret = house.vault(row.operator_id).open_secret(f"codes {row.staff_id}", row.code_secret)
    return passwords.code_address(secret, row.staff_id, "Countenance")


def _invited(tx: Transaction, token: str, at: datetime) -> sign_ins.SignInRow:
    shown = presented(PREFIX, token)
    row = sign_ins.invited(tx, shown.public_id) if shown else None
    held = bytes(row.invitation_digest) if row is not None and row.invitation_digest is not None else None
    person = staff.find(tx, row.operator_id, row.staff_id) if row is not None else None
    stands = row is not None and row.invited_until is not None and at < row.invited_until
    if row is None or not agrees(shown, held) or not stands or person is None or not person.active:
        raise NotAllowedError(
            "This invitation does not stand: it was used, has run out, or is not whole. Ask an officer for a new one.",
            "邀请无效：已使用、已过期或不完整。请向保护负责人索取新的邀请。",
            known=False,
        )
    return row


def _record(tx: Transaction, operator_id: str, staff_id: str, outcome: str, by: str, at: datetime) -> None:
    append(
        tx,
        Entry(operator_id=operator_id, at=at, kind="sign_in", outcome=outcome, by=by, details={"staff": staff_id}),
    )


def sign_out(house: House, caller: Caller) -> None:
    """End a session: its credential is revoked. Raises ConflictError where the credential is no session."""
    at = house.clock()
    with house.database.transaction() as tx:
        if caller.staff_id is None:
            raise ConflictError("This is no session of a member of staff.", "这不是工作人员的会话。")
        credentials.revoke(tx, caller.operator_id, caller.credential_id, at)
        record_credential(tx, caller.operator_id, caller.credential_id, "revoked", caller.credential_id, "officer", at)
