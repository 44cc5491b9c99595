"""Any change of any decision over the grid shows in `tests/golden/decisions.json`."""

import json

from tests.law import golden


def test_every_article_decides_as_often_as_it_did(packs):
    kept = golden.TABLE.read_text(encoding="utf-8")
    assert golden.text(golden.decided(packs)) == kept, "if meant: python -m tests.law.golden, and say so in CHANGELOG"


def test_the_table_shows_every_outcome_of_every_enforced_article(packs):
    last = json.loads(golden.TABLE.read_text(encoding="utf-8"))[golden.INSTANTS[-1]]
    for pack in packs:
        enforced = [article.number for article in pack.articles if article.rules]
        assert list(last[pack.name]) == enforced
        assert all(set(last[pack.name][number]) == {"permit", "forbids", "missing"} for number in enforced)
