"""Sign in: a member of staff is invited, chooses a password, and from then on signs in with it and a one-time code.

A session is an officer's credential that the member of staff holds for some hours; what is done in it is done by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from countenance.errors import MalformedError, NotAllowedError, NotFoundError
from countenance.operations.credentials import Issued, begin_session, record_credential
from countenance.operations.parts import Caller, House
from countenance.operations.whose import whose
from countenance.record import Entry, append
from countenance.store import credentials, sign_ins, sites, staff
from countenance.store.database import Transaction
from countenance.vault import passwords
from countenance.vault.bearers import agrees, mint, presented
from countenance.vault.sealing import Vault
from countenance.vocabulary import Role

#: The two letters with which the token of an invitation begins.
PREFIX: Final = "ci"
INVITED_FOR: Final = timedelta(hours=24)
#: So often a code may be wrong before the next has to wait, for twice as long each time, a quarter of an hour at most.
_FREE_FAILURES: Final = 5
_WAIT_MIN: Final = timedelta(seconds=30)
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


def invite(tx: Transaction, vault: Vault, operator_id: str, by: str, staff_id: str, at: datetime) -> Invited:
    """Invite a member of staff to choose a password; what they signed in with before opens nothing any more.

    Sessions that were begun with it end; a credential issued to them otherwise stays until it is revoked.
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
    ended = credentials.end_sessions(tx, operator_id, staff_id, at)
    _record(tx, operator_id, "invited", by, at, {"staff": staff_id, "sessions": ended})
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


def accept(house: House, token: str, password: str, code: str) -> Issued:
    """Choose a password, and show by a code that the app works; the invitation is used up, and a session begins.

    Raises NotAllowedError for a wrong invitation, MalformedError for a password that is too short or a wrong code; a
    wrong code is recorded before it is answered, and the invitation stands.
    """
    if not passwords.PASSWORD_CHARS_MIN <= len(password) <= passwords.PASSWORD_CHARS_MAX:
        raise MalformedError(
            f"A password has {passwords.PASSWORD_CHARS_MIN} to {passwords.PASSWORD_CHARS_MAX} characters. "
            "Four or five words are a good one.",
            f"密码须为 {passwords.PASSWORD_CHARS_MIN} 至 {passwords.PASSWORD_CHARS_MAX} 个字符，建议使用四五个词语。",
        )
    at = house.clock()
    with house.database.transaction() as tx:
        _invited(tx, token, at)  # nobody makes the server compute a hash without one
    kept = passwords.hashed(password)
    with house.database.transaction() as tx:
        row = _invited(tx, token, at)
        step = _step(house, row, code, at)
        if step is not None:
            used_up = replace(row, invitation=None, invitation_digest=None, invited_until=None)
            sign_ins.write(tx, replace(used_up, password=kept, chosen_at=at, code_step=step))
            _record(tx, row.operator_id, "password_chosen", f"staff:{row.staff_id}", at, {"staff": row.staff_id})
            return begin_session(tx, row.operator_id, row.staff_id, at)
        _record(tx, row.operator_id, "failed", "unknown", at, {"staff": row.staff_id})
    house.count("sign_in", "failed")
    raise MalformedError(
        "The code is not the one the app shows now. Look again; the clock of the telephone must be right.",
        "验证码与应用当前显示的不符。请重新查看，并确认手机时间正确。",
    )


def sign_in(house: House, operator_id: str, staff_id: str, password: str, code: str) -> Issued:
    """Begin a session for whoever has the password and a code, which opens once.

    Raises NotAllowedError alike whatever is wrong, also while codes have to wait because too many were wrong. Such a
    wait is known and made by nobody but who has the password, so that nobody else can lock a person out. A failure is
    recorded before it is answered.
    """
    at = house.clock()
    with house.database.reading() as tx:
        row = sign_ins.find(tx, operator_id, staff_id)
    kept = row.password if row is not None else None
    right = passwords.fits(password, kept)  # slow on purpose, so no transaction is open meanwhile
    with house.database.transaction() as tx:
        person = staff.find(tx, operator_id, staff_id, share=True)
        row = sign_ins.find(tx, operator_id, staff_id, lock=True) if person is not None and person.active else None
        step = _step(house, row, code, at) if row is not None else None
        if row is not None:
            right = right and row.password == kept  # whoever was invited anew meanwhile begins anew
            waits = row.waits_until is not None and at < row.waits_until
            if right and step is not None and not waits:
                sign_ins.write(tx, replace(row, code_step=step, failures=0, waits_until=None))
                _record(tx, operator_id, "signed_in", f"staff:{staff_id}", at, {"staff": staff_id})
                house.count("sign_in", "signed_in")
                return begin_session(tx, operator_id, staff_id, at)
            # Written even where nothing changes, and recorded for whoever is not on the list: the time tells nothing.
            sign_ins.write(tx, _failed(row, at) if right and not waits else row)
        if operator_id in sites.operators(tx):
            said = {"staff": staff_id if person is not None else None}
            _record(tx, operator_id, "failed", "unknown", at, said)
    house.count("sign_in", "failed")
    raise NotAllowedError(
        "Name, password and code do not go together. A code opens once: wait for the next one. After many wrong codes "
        "none opens for a while, a quarter of an hour at most.",
        "账号、密码与验证码不匹配。每个验证码只能使用一次，请等待下一个。多次错误后须等待，最长十五分钟。",
        known=False,
    )


def _failed(row: sign_ins.SignInRow, at: datetime) -> sign_ins.SignInRow:
    """Return the row after one more wrong code that came with the right password."""
    failures = row.failures + 1
    if failures < _FREE_FAILURES:
        return replace(row, failures=failures)
    wait = min(_WAIT_MAX, _WAIT_MIN * 2 ** min(10, failures - _FREE_FAILURES))
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


def _record(
    tx: Transaction, operator_id: str, outcome: str, by: str, at: datetime, details: Mapping[str, str | int | None]
) -> None:
    append(tx, Entry(operator_id=operator_id, at=at, kind="sign_in", outcome=outcome, by=by, details=details))


def sign_out(house: House, caller: Caller) -> None:
    """End the caller's own session, of staff or of a subject; its credential opens nothing from the next request on."""
    at = house.clock()
    with house.database.transaction() as tx:
        mark = whose(tx, house, caller, None)[1] if caller.role is Role.SUBJECT else None
        if credentials.revoke(tx, caller.operator_id, caller.credential_id, at):
            done = caller.credential_id, caller.role.value, at
            record_credential(
                tx, caller.operator_id, caller.named, "revoked", *done, subject_mark=mark, staff_id=caller.staff_id
            )
