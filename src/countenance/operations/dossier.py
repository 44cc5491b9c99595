"""Gather: everything that the documents of an operator are made of, as one snapshot of the database sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from countenance.answer import Text
from countenance.errors import NotFoundError, UnavailableError
from countenance.filing import duty, snapshot
from countenance.filing.documents import dossier as parts
from countenance.filing.documents.changes import change_parts
from countenance.filing.documents.dossier import Dossier
from countenance.filing.lines import lines
from countenance.filing.signals import MEANS, group_bounds, signals
from countenance.filing.statement import lower
from countenance.law.pack import Pack, Packs
from countenance.log.policy import NO_QUORUM
from countenance.operations.logs import Logs
from countenance.operations.networks import networks
from countenance.operations.parity import judge
from countenance.operations.parts import House, Margins
from countenance.operations.scenarios import purposes
from countenance.operations.standing_places import venues
from countenance.settings import Settings
from countenance.store import choices, disposals, filings, logged, sites, staff, tallies
from countenance.store.database import Database, Transaction

#: Refusals are counted over a quarter, the two ways compared over thirty days.
REFUSED: Final = timedelta(days=90)
MEASURED: Final = timedelta(days=30)
#: So many records of destruction are listed; the others are counted.
LISTED_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Sources:
    """What a dossier is gathered from: the database, the law, the logs, and the settings that protect the data."""

    database: Database
    packs: Packs
    logs: Logs
    settings: Settings

    @classmethod
    def of(cls, house: House, settings: Settings) -> "Sources":
        """Return those of an open house."""
        return cls(house.database, house.packs, house.logs, settings)


def gather(sources: Sources, operator_id: str, pack: str, at: datetime) -> Dossier:
    """Return an operator's dossier for a filing under a pack; raises NotFoundError for either that is not there."""
    chosen = next((each for each in sources.packs if each.name == pack), None)
    if chosen is None:
        known = ", ".join(sorted(sources.packs.names))
        raise NotFoundError(f"No such pack of law judges here. There are: {known}", f"没有该规则包。可用：{known}")
    today = chosen.day(at)
    with sources.database.snapshot() as tx:
        operator = next(iter(sites.read(tx, operator_id, "operator")), None)
        if operator is None:
            raise NotFoundError("There is no such operator.", "没有该运营者。")
        models, operating = networks(sources.settings)
        bounds = group_bounds(tx, operator_id)
        taken = snapshot.taken(tx, operator_id)
        return Dossier(
            made_at=at.astimezone(chosen.zone),
            today=today,
            since=today - REFUSED,
            measured_since=today - MEASURED,
            pack=_pack(chosen, at),
            packs=tuple(_pack(each, at) for each in sources.packs),
            handler=_handler(operator),
            purposes=purposes(tx, operator_id, today),
            venues=venues(tx, operator_id, chosen.zone),
            numbers=_numbers(tx, operator_id, operator["elsewhere"] or []),
            group=None if bounds is None else parts.GroupPart(bounds.members, bounds.lower, bounds.upper),
            signals=tuple(
                parts.SignalPart(MEANS[each.kind], each.since, ", ".join(f"{k}: {v}" for k, v in each.said.items()))
                for each in signals(tx, sources.packs, operator_id, at, bounds)
            ),
            lines=tuple(
                parts.LinePart(each.name, line.persons_from, line.public_devices_from, line.working_days)
                for each, line in lines(sources.packs, at)
            ),
            duties=_duties(tx, sources.packs, operator_id, at),
            models=models,
            operating=operating,
            safeguards=_safeguards(tx, sources, operator_id),
            refusals=_refusals(tx, operator_id, today - REFUSED),
            parity=_parity(tx, sources.settings, operator_id, at - MEASURED),
            disposal=_disposal(tx, operator_id),
            log=_log(tx, sources.logs, operator_id),
            filed=_filed(tx, operator_id, pack, taken),
            snapshot=taken,
        )


def _pack(pack: Pack, at: datetime) -> parts.PackPart:
    return parts.PackPart(pack.name, pack.title, pack.authority, pack.edition, pack.binds(pack.day(at)))


def _handler(row: Mapping[str, Any]) -> parts.HandlerPart:
    return parts.HandlerPart(
        id=row["operator_id"],
        name=row["name"],
        contact=row["contact"],
        credit_code=row["credit_code"],
        group=row["group_name"],
        officer=row["officer"],
        officer_contact=row["officer_contact"],
        minor_rules=row["minor_rules"],
    )


def _numbers(tx: Transaction, operator_id: str, declared: list[dict[str, Any]]) -> parts.NumbersPart:
    stock = filings.stock(tx, operator_id)
    figures = stock.figures
    elsewhere = tuple(
        parts.ElsewherePart(
            name=each["name"],
            kind=each["kind"],
            persons=each["persons"],
            declared_by=each["declared"]["by"],
            declared_on=date.fromisoformat(each["declared"]["on"]),
        )
        for each in declared
    )
    return parts.NumbersPart(
        stored=figures.persons,
        lower=lower(tx, operator_id, figures),
        upper=figures.upper,
        highest=figures.highest,
        highest_ever=figures.highest_ever,
        cumulative=figures.cumulative,
        in_backups=figures.in_backups,
        elsewhere=elsewhere,
        public_devices=stock.public_devices,
    )


def _duties(tx: Transaction, packs: Packs, operator_id: str, at: datetime) -> tuple[parts.DutyPart, ...]:
    return tuple(
        parts.DutyPart(
            pack=each.pack,
            state=each.state,
            demands=each.demands,
            cause=each.cause,
            raised_on=each.raised_on,
            deadline=None if each.deadline is None else each.deadline.day,
            provisional=each.deadline is not None and each.deadline.provisional,
            number=each.number,
            filed_on=each.filed_on,
        )
        for each in duty.reports(tx, packs, operator_id, at)
    )


def _safeguards(tx: Transaction, sources: Sources, operator_id: str) -> parts.SafeguardsPart:
    settings, policy = sources.settings, sources.logs.policy
    return parts.SafeguardsPart(
        keys_from=settings.keys_from,
        key_holder=settings.keyholder_socket is not None,
        tls=_tls(settings),
        database=_database(settings),
        witnesses=0 if policy is None else len(policy.witnesses),
        quorum=policy is not None and policy.quorum != NO_QUORUM,
        backup_days=settings.backup_days,
        request_days=settings.request_days,
        request_keep_days=settings.request_keep_days,
        receipt_days=settings.receipt_days,
        budget_device=settings.budget_device,
        budget_claim=settings.budget_claim,
        attack_check=settings.attack_check,
        staff=sum(each.active for each in staff.listed(tx, operator_id)),
    )


def _tls(settings: Settings) -> Text:
    if settings.tls_certificate_file is not None:
        return Text("TLS, ending in this server", "TLS，在本服务器终止")
    if settings.tls_elsewhere:
        return Text("TLS, ending at a proxy in front of this server", "TLS，在前置代理终止")
    return Text("Served on this machine only (loopback)", "仅在本机回环地址提供服务")


def _database(settings: Settings) -> Text:
    if settings.database_url is None and settings.database_url_file is None:
        return Text("PostgreSQL of its own, over a socket of this machine", "自带 PostgreSQL，经本机套接字连接")
    if settings.database_tls_elsewhere:
        return Text("A way that is private by other means, as the operator declares", "运营者声明链路已另行保护")
    return Text(
        "On this machine, or TLS with the server's name verified; nothing else is connected to",
        "位于本机，或使用校验服务器名称的 TLS；否则不连接",
    )


def _refusals(tx: Transaction, operator_id: str, since: date) -> tuple[parts.RefusalPart, ...]:
    sums: dict[tuple[str, str, str], int] = {}
    for each in tallies.since(tx, operator_id, since):
        key = (each.pack, each.article, each.action)
        sums[key] = sums.get(key, 0) + each.refusals
    return tuple(parts.RefusalPart(*key, number) for key, number in sorted(sums.items()))


def _parity(tx: Transaction, settings: Settings, operator_id: str, since: datetime) -> tuple[parts.ParityPart, ...]:
    margins = Margins(
        percent=settings.parity_margin_percent,
        steps=settings.parity_margin_steps,
        measurements_min=settings.parity_measurements_min,
    )
    found = []
    for each in choices.figures(tx, operator_id, since, None):
        verdict, _ = judge(each, margins)
        row = parts.ParityPart(
            venue=each.venue_id,
            purpose=each.purpose,
            face=each.face.choices,
            other=each.alternative.choices,
            face_seconds=each.face.seconds.value,
            other_seconds=each.alternative.seconds.value,
            face_steps=each.face.steps.value,
            other_steps=each.alternative.steps.value,
            refused=each.refused,
            abandoned=each.abandoned,
            verdict=verdict.value,
        )
        found.append(row)
    return tuple(found)


def _disposal(tx: Transaction, operator_id: str) -> parts.DisposalPart:
    number, newest = disposals.destructions(tx, operator_id, LISTED_MAX)
    left = disposals.left(tx, operator_id)
    listed = tuple(
        parts.DestructionPart(each.at, each.kind, str(each.record_id), f"sha256:{each.digest.hex()}", each.log_index)
        for each in newest
    )
    return parts.DisposalPart(number, listed, left.references, left.originals)


def _log(tx: Transaction, logs: Logs, operator_id: str) -> parts.LogPart | None:
    """Return how the newest log was signed last; where its key cannot be read, nothing that could be filed."""
    row = logged.newest(tx, operator_id)
    if row is None:
        return None
    try:
        published = logs.published(row)
    except UnavailableError:
        return None
    return None if published is None else parts.LogPart(row.origin, published[0].size, published[0].root.hex())


def _filed(tx: Transaction, operator_id: str, pack: str, taken: Mapping[str, Any]) -> parts.FiledPart | None:
    """Return what was filed last under a pack and stands, and what differs from it now."""
    acts = [act for act in filings.acts(tx, operator_id) if act.pack == pack and act.returned_at is None]
    if not acts:
        return None
    act = acts[-1]
    upper = filings.stock(tx, operator_id).upper
    changes = change_parts(snapshot.differences(act.snapshot, taken), act.snapshot, taken)
    if snapshot.outgrown(act.persons, upper):
        changes = (*changes, parts.ChangePart("persons", str(act.persons), str(upper)))
    number = next((each.number for each in reversed(acts) if each.number), None)
    return parts.FiledPart(number, act.filed_on, act.persons, changes)
