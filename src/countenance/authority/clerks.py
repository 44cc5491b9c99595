"""Clerks sign in with a password, for some hours; guesses have to wait, and a failure does not say why."""

import secrets
import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from countenance.authority.office import Office
from countenance.authority.seen import Clerk, Session
from countenance.errors import MalformedError, NotAllowedError, NotFoundError
from countenance.store.register import clerks
from countenance.store.register.clerks import ClerkRow, SessionRow
from countenance.vault import passwords
from countenance.vault.bearers import agrees, mint, presented

#: The two letters with which the token of a session begins.
PREFIX: Final = "as"
HOURS: Final = 8
#: What is kept in place of a password that nobody has: the name stays, as it stands under what the clerk did.
_REMOVED: Final = ""
NAME_CHARS_MAX: Final = 64
#: So often a password may be wrong before the next has to wait, for twice as long each time, an hour at most.
_FREE_FAILURES: Final = 5
_WAIT_MIN: Final = timedelta(seconds=30)
_WAIT_MAX: Final = timedelta(hours=1)
#: So many doublings reach the longest wait.
_DOUBLINGS_MAX: Final = 8


def add_clerk(office: Office, name: str, password: str | None) -> str | None:
    """Put a clerk on the list, or give one a new password, which ends their sessions; return one that was made here.

    Raises MalformedError for a name or password that cannot be taken.
    """
    code = unicodedata.normalize("NFC", name).strip()
    if not code or len(code) > NAME_CHARS_MAX or not code.isprintable():
        raise MalformedError(
            "A clerk's name has 1 to 64 printable characters.", "办事员名称应为 1 至 64 个可打印字符。"
        )
    made = secrets.token_urlsafe(15) if password is None else None
    kept = passwords.hashed(made or _checked(password or ""))
    with office.database.transaction() as tx:
        clerks.write(tx, ClerkRow(code, kept, must_choose=made is not None))
        clerks.end_all(tx, code)
    return made


def remove_clerk(office: Office, name: str) -> None:
    """Take a clerk off the list and end their sessions; raises NotFoundError for one that is not on it."""
    code = unicodedata.normalize("NFC", name).strip()
    with office.database.transaction() as tx:
        row = clerks.find(tx, code, lock=True) if code.isprintable() else None
        if row is None or row.password == _REMOVED:
            raise NotFoundError(
                "There is no such clerk. See: countenance authority clerk list",
                "没有该办事员。请运行：countenance authority clerk list",
            )
        clerks.write(tx, ClerkRow(code, _REMOVED, must_choose=True))
        clerks.end_all(tx, code)


def sign_in(office: Office, name: str, password: str) -> Session:
    """Begin a session; raises NotAllowedError, alike for every reason."""
    code = unicodedata.normalize("NFC", name).strip()
    with office.database.transaction() as tx:
        row = clerks.find(tx, code)
    # Before the transaction, so that no connection is held while it is slow; and for a name that nobody has.
    fits = passwords.fits(password[: passwords.PASSWORD_CHARS_MAX], None if row is None else row.password or None)
    at, minted = office.clock(), mint(PREFIX)
    with office.database.transaction() as tx:
        now = clerks.find(tx, code, lock=True)
        waits = now is not None and now.waits_until is not None and now.waits_until > at
        good = fits and now is not None and row is not None and now.password == row.password and not waits
        if now is not None and not waits:
            clerks.write(tx, _counted(now, at, good=good))
        if now is not None and good:
            ends_at = at + timedelta(hours=HOURS)
            clerks.begin(tx, SessionRow(minted.public_id, minted.digest, now.name, ends_at), at)
            return Session(Clerk(now.name, now.must_choose), minted.token, ends_at)
    raise NotAllowedError(
        "Name or password is wrong, or too many were tried. Try again later, or ask for a new password.",
        "名称或密码错误，或尝试过多。请稍后再试，或申请新密码。",
        known=False,
    )


def clerk_of(office: Office, token: str | None) -> Clerk | None:
    """Return whose session a token is, None for none that stands."""
    shown = presented(PREFIX, token)
    if shown is None:
        return None
    with office.database.transaction() as tx:
        found = clerks.session(tx, shown.public_id)
    if not agrees(shown, None if found is None else found[0].digest) or found is None:
        return None
    session, row = found
    return Clerk(row.name, row.must_choose) if session.ends_at > office.clock() else None


def sign_out(office: Office, token: str) -> None:
    """End a session; a token that opens none ends none."""
    shown = presented(PREFIX, token)
    if shown is None or clerk_of(office, token) is None:
        return
    with office.database.transaction() as tx:
        clerks.end(tx, shown.public_id)


def choose_password(office: Office, name: str, old: str, new: str) -> None:
    """Let a clerk choose a password; every session of theirs ends.

    Raises NotAllowedError for a wrong old one, MalformedError for a new one that cannot be taken.
    """
    kept = passwords.hashed(_checked(new))
    with office.database.transaction() as tx:
        row = clerks.find(tx, name)
    if row is None:
        raise NotFoundError("There is no such clerk.", "没有该办事员。")
    if not passwords.fits(old[: passwords.PASSWORD_CHARS_MAX], row.password or None) or old == new:
        raise NotAllowedError(
            "The old password is wrong, or the new one is the old one.", "原密码错误，或新密码与原密码相同。"
        )
    with office.database.transaction() as tx:
        clerks.write(tx, ClerkRow(name, kept, must_choose=False))
        clerks.end_all(tx, name)


def everybody(office: Office) -> list[Clerk]:
    """Return who works here, by name."""
    with office.database.transaction() as tx:
        return [Clerk(row.name, row.must_choose) for row in clerks.every(tx) if row.password != _REMOVED]


def _counted(row: ClerkRow, at: datetime, *, good: bool) -> ClerkRow:
    """Return a clerk after an attempt."""
    if good:
        return replace(row, failures=0, waits_until=None)
    failures = row.failures + 1
    doublings = min(failures - _FREE_FAILURES, _DOUBLINGS_MAX)
    waits = None if doublings < 0 else at + min(_WAIT_MIN * 2**doublings, _WAIT_MAX)
    return replace(row, failures=failures, waits_until=waits)


def _checked(password: str) -> str:
    if not passwords.PASSWORD_CHARS_MIN <= len(password) <= passwords.PASSWORD_CHARS_MAX:
        raise MalformedError(
            f"A password has {passwords.PASSWORD_CHARS_MIN} to {passwords.PASSWORD_CHARS_MAX} characters.",
            f"密码应为 {passwords.PASSWORD_CHARS_MIN} 至 {passwords.PASSWORD_CHARS_MAX} 个字符。",
        )
    return password
