"""How each article of a pack is met, and by how many examples that is shown."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from countenance.answer import Text
from countenance.law.examples import cases
from countenance.law.pack import Article, Encoding, Pack


@dataclass(frozen=True, slots=True)
class Coverage:
    """One article: how it is met, its rules and duties, and the examples that are asked of it, edges of dates too."""

    pack: str
    article: str
    title: Text
    encoding: Encoding
    rules: int
    duties: int
    permits: int
    refusals: int
    missing: int
    edges: int

    @property
    def accounted(self) -> bool:
        """Whether the article is met by rules that examples of every outcome show, or says why there are none."""
        if self.encoding is Encoding.ENFORCED:
            return min(self.rules, self.permits, self.refusals, self.missing, self.edges) > 0
        return not self.rules and not self.duties


def coverage(pack: Pack) -> Iterator[Coverage]:
    """Yield the coverage of each article, in order."""
    edges = Counter(case.article.number for case in cases(pack) if case.when != "told")
    for article in pack.articles:
        yield _coverage(pack, article, edges[article.number])


def _coverage(pack: Pack, article: Article, edges: int) -> Coverage:
    told = Counter(example.outcome for example in article.examples)
    return Coverage(
        pack=pack.name,
        article=article.number,
        title=article.title,
        encoding=article.encoding,
        rules=len(article.rules),
        duties=len(article.duties),
        permits=told["permit"],
        refusals=told["refuse"],
        missing=told["missing"],
        edges=edges,
    )
