"""Notices served: what is shown or read to a person before anything is asked, and what may rest on that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from countenance.errors import ConflictError, NotFoundError
from countenance.store import served as store
from countenance.store import sites
from countenance.store.database import Transaction
from countenance.store.served import ServedRow
from countenance.vocabulary import Language, NoticeItem, Variant

#: How far two clocks may disagree before something counts as served in the future.
_AHEAD: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Who serves and who writes down: a device, or an officer, who may also correct what is on file."""

    operator_id: str
    credential_id: str
    device_id: str | None = None
    officer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """A notice that is to be served; `version` only where the text is in somebody's hand already."""

    purpose: str
    language: Language
    variant: Variant = Variant.STANDARD
    version: int | None = None


def serve(tx: Transaction, desk: Desk, showing: Showing, at: datetime) -> tuple[ServedRow, Mapping[str, str]]:
    """Write down that the notice in force is served, and return that with the text to show or to read.

    Raises NotFoundError where there is no notice, or no text of this variant, and ConflictError for a version that is
    not in force.
    """
    notices = sites.notices(tx, desk.operator_id, showing.purpose)
    if not notices:
        raise NotFoundError(
            "There is no notice for this purpose. Publish one in the site file: countenance site apply FILE.yaml",
            "该目的没有告知书。请在站点文件中发布：countenance site apply FILE.yaml",
        )
    version: int = notices[0]["version"]
    if showing.version is not None and showing.version != version:
        raise ConflictError(
            f"Version {version} of this notice is in force, and no other may be served. Read it from /v1/notices.",
            f"现行告知书为第 {version} 版，不得展示其他版本。请从 /v1/notices 读取。",
        )
    text = text_of(notices[0]["text"], showing.language, showing.variant)
    if not text:
        raise NotFoundError(
            "This notice has no text in plain language. Serve another variant, or add `plain` to the notice.",
            "该告知书没有通俗版文本。请展示其他版本，或在告知书中补充 plain。",
        )
    row = ServedRow(
        operator_id=desk.operator_id,
        served_id=uuid4(),
        purpose=showing.purpose,
        version=version,
        language=showing.language.value,
        variant=showing.variant.value,
        device_id=desk.device_id,
        credential_id=desk.credential_id,
        at=at,
    )
    store.add(tx, row)
    return row, text


def text_of(notice: Mapping[str, Any], language: str, variant: str) -> dict[str, str]:
    """Return the items of a published notice as a variant has them, empty without such a text.

    A notice of an earlier format has fewer items; they are returned as they stand.
    """
    items = notice.get(language) or {}
    if variant == Variant.PLAIN_LANGUAGE:
        items = items.get("plain") or {}
    return {item.value: items[item] for item in NoticeItem if item in items}


def rest_on(tx: Transaction, desk: Desk, served_id: UUID, purpose: str, at: datetime, longest: timedelta) -> ServedRow:
    """Return what was served under an id, if a decision about `purpose` may rest on it now; it is held meanwhile.

    Raises NotFoundError for an id of nothing or of another operator, ConflictError for another purpose, another device
    or desk, and for what was served longer ago than `longest`.
    """
    found = store.find(tx, desk.operator_id, served_id, lock=True)
    if found is None:
        raise NotFoundError(
            "No notice was served under this id. Serve it first: POST /v1/notices/served",
            "没有以该编号展示的告知书。请先展示：POST /v1/notices/served",
        )
    if found.purpose != purpose:
        raise ConflictError(
            "The notice that was served is of another purpose. Serve the notice of this one, then ask.",
            "所展示的告知书属于其他目的。请展示该目的的告知书后再询问。",
        )
    # A device may have got another credential meanwhile; without a device, the credential is who served.
    by_the_same = found.credential_id == desk.credential_id if desk.device_id is None else True
    if found.device_id != desk.device_id or not by_the_same:
        raise ConflictError(
            "The notice was served at another device or by somebody else. Serve it here, then ask.",
            "告知书由其他设备或他人展示。请在此处展示后再询问。",
        )
    if not -_AHEAD <= at - found.at <= longest:
        raise ConflictError(
            "The notice was served too long ago to answer it now. Serve it again, then ask.",
            "告知书展示时间过久，不能据此作出决定。请重新展示后再询问。",
        )
    return found
