"""A pack of law as it stands in memory: articles, rules, dated numbers, and the days on which it binds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Any

from countenance.answer import PackUsed, Text
from countenance.errors import MalformedError, NotFoundError
from countenance.law.compiled import Compiled
from countenance.law.tree import Node, leaves
from countenance.vocabulary import Action


class Status(StrEnum):
    """How far an act has come."""

    DRAFT = "draft"
    ADOPTED = "adopted"
    IN_FORCE = "in-force"
    REPEALED = "repealed"


class Encoding(StrEnum):
    """How an article is met: by refusing, by keeping evidence, by the operator's own doing, or not at all."""

    ENFORCED = "enforced"
    EVIDENCED = "evidenced"
    ORGANISATIONAL = "organisational"
    OUT_OF_SCOPE = "out-of-scope"


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition under which an article refuses: for which actions, its tree, and what it says when it does."""

    policy: str
    article: str
    actions: frozenset[Action]
    tree: Node
    atoms: frozenset[int]
    requires: tuple[str, ...]
    reason: Text
    remedy: Text
    cedar: str


@dataclass(frozen=True, slots=True)
class DutyRule:
    """Something that a permit for one of these actions carries, wherever its tree is not known to be false."""

    duty: str
    article: str
    actions: frozenset[Action]
    tree: Node
    #: The facts and optional groups that the tree looks at.
    reads: tuple[str, ...]
    reason: Text
    cedar: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number of the law as a dated history, first day first."""

    name: str
    values: tuple[tuple[date, int], ...]
    reference: str

    def on(self, day: date) -> int | None:
        """Return the value on a day, None before the first."""
        return next((value for since, value in reversed(self.values) if since <= day), None)


@dataclass(frozen=True, slots=True)
class Example:
    """A story told in facts, and what this article answers to it."""

    story: Text
    facts: Mapping[str, Any]
    outcome: str
    named: tuple[str, ...]
    articles: tuple[str, ...]
    where: str


@dataclass(frozen=True, slots=True)
class Article:
    """One article of an act: the text a lawyer reads, and the rules beside it."""

    number: str
    title: Text
    encoding: Encoding
    source: str
    evidence: str
    checked_on: date | None
    text: str
    parameters: tuple[Parameter, ...]
    rules: tuple[Rule, ...]
    duties: tuple[DutyRule, ...]
    examples: tuple[Example, ...]
    file: str


@dataclass(frozen=True, slots=True)
class Reach:
    """What an article has to say of one action: its rules for it, and the facts, groups and numbers they look at."""

    article: Article
    rules: tuple[Rule, ...]
    reads: tuple[str, ...]
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pack:
    """One act, or draft of one, that may be asked."""

    name: str
    title: Text
    authority: Text
    status: Status
    published: date
    in_force_from: date | None
    in_force_until: date | None
    zone: tzinfo
    source: str
    reviewed_on: date | None
    reviewed_by: str | None
    edition: str
    articles: tuple[Article, ...]
    #: For each action the articles that have rules for it.
    rules: Mapping[Action, tuple[Reach, ...]]
    compiled: Compiled

    def day(self, at: datetime) -> date:
        """Return the local day of an instant in the place of this pack."""
        return at.astimezone(self.zone).date()

    @property
    def first_day(self) -> date:
        """Return the first day on which the pack can bind: a draft's publication, else its coming into force."""
        return self.published if self.status is Status.DRAFT else (self.in_force_from or self.published)

    def binds(self, day: date) -> bool:
        """Whether the pack binds on that day; `in_force_until` is the last day on which it does."""
        return self.first_day <= day and (self.in_force_until is None or day <= self.in_force_until)

    def parameters(self, day: date) -> dict[str, int]:
        """Return every number of the law as it stands on a day on which the pack binds."""
        every = (parameter for article in self.articles for parameter in article.parameters)
        return {parameter.name: value for parameter in every if (value := parameter.on(day)) is not None}

    def reads(self, action: Action) -> frozenset[str]:
        """Return every fact that a rule or duty for this action looks at; none but these can change a finding.

        Whether an optional group is there at all is not a fact and counts besides.
        """
        rules = [rule for reach in self.rules[action] for rule in reach.rules]
        duties = [duty for article in self.articles for duty in article.duties if action in duty.actions]
        trees = [*(rule.tree for rule in rules), *(duty.tree for duty in duties)]
        atoms = frozenset[int]().union(*(leaves(tree) for tree in trees))
        looked_at = {fact for atom in atoms for fact in self.compiled.atoms[atom].facts}
        return frozenset(looked_at.union(*(rule.requires for rule in rules)))

    def used(self, day: date) -> PackUsed:
        """Return what an answer says of this pack."""
        return PackUsed(self.edition, self.binds(day))

    def article(self, number: str) -> Article:
        """Return the article of that number, or raise `NotFoundError`."""
        for article in self.articles:
            if article.number == number:
                return article
        raise NotFoundError(
            f"The pack {self.name} has no such article; `countenance law show {self.name}` lists them.",
            f"规则包 {self.name} 没有该条文；运行 `countenance law show {self.name}` 可列出条文。",
        )


class Packs(Sequence[Pack]):
    """The packs that judge together, each id once, in order of id; the strictest wins."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        """Refuse two packs of one id, since an answer could not tell them apart."""
        self._packs = tuple(sorted(packs, key=lambda pack: pack.name))
        names = [pack.name for pack in self._packs]
        if len(set(names)) != len(names):
            raise MalformedError("Two packs have one id; select one of them.", "两个规则包使用同一标识；请只选其一。")

    def __getitem__(self, index: Any) -> Any:
        """Return the pack at that place."""
        return self._packs[index]

    def __len__(self) -> int:
        """Return how many packs judge."""
        return len(self._packs)

    def __iter__(self) -> Iterator[Pack]:
        """Walk the packs in order of id."""
        return iter(self._packs)

    @property
    def names(self) -> frozenset[str]:
        """Return the ids of the packs."""
        return frozenset(pack.name for pack in self._packs)


def article_order(number: str) -> tuple[int, str]:
    """Return the key that sorts article numbers as numbers, `9a` after `9` and before `10`."""
    digits = number.rstrip("abcdefghijklmnopqrstuvwxyz")
    return int(digits), number[len(digits) :]
