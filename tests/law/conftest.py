"""The packs, loaded once, and a way to write a pack for one test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from countenance.law import Pack, Packs, load_pack, load_packs

NOTES = '@reason_en("No.") @reason_zh("否。") @remedy_en("Ask.") @remedy_zh("请询问。")\n'
ABOUT = """id: {name}
title: {{en: A trial pack, zh: 试验规则包}}
authority: {{en: Nobody, zh: 无}}
status: draft
published: 2024-01-01
in_force_from: null
in_force_until: null
timezone: Asia/Shanghai
source: none
reviewed_on: null
reviewed_by: null
"""
ARTICLE = """---
article: "{number}"
title: {{en: Trial, zh: 试验}}
encoding: enforced
source: none
evidence: none
checked_on: null
{front}---

## English

Words.

## 中文

文字。

## What is encoded, and what is not

All.

```cedar
{cedar}
```

```yaml
{examples}
```
"""
EXAMPLES = """examples:
  - story: {en: One, zh: 一}
    at: "2024-06-01T00:00:00+08:00"
    facts: {action: verify}
    outcome: permit
  - story: {en: Two, zh: 二}
    at: "2024-06-01T00:00:00+08:00"
    facts: {action: verify}
    outcome: refuse
  - story: {en: Three, zh: 三}
    at: "2024-06-01T00:00:00+08:00"
    facts: {action: verify}
    outcome: missing
    named: [place.private]
"""
Write = Callable[..., Path]


@pytest.fixture(scope="session")
def packs() -> Packs:
    return load_packs()


def write_pack(
    folder: Path, articles: dict[str, str], about: str = ABOUT, front: str = "", examples: str = EXAMPLES
) -> Path:
    """Write a pack whose articles are cedar blocks by number, each policy without annotations given the usual ones."""
    (folder / "articles").mkdir(parents=True, exist_ok=True)
    (folder / "pack.yaml").write_text(about.format(name=folder.name), encoding="utf-8")
    (folder / "base.cedar").write_text(
        f'@id("{folder.name}/base") permit (principal, action, resource);', encoding="utf-8"
    )
    for number, cedar in articles.items():
        noted = cedar if "@reason_en" in cedar else cedar.replace("forbid", NOTES + "forbid")
        text = ARTICLE.format(number=number, cedar=noted, front=front, examples=examples)
        (folder / "articles" / f"{number.zfill(2)}-trial.md").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def trial(tmp_path) -> Callable[..., Pack]:
    def make(articles: dict[str, str], **parts: str) -> Pack:
        return load_pack(write_pack(tmp_path / "trial", articles, **parts))

    return make
