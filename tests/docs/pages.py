"""The documents as their tests see them: every Markdown page, its links, its headings and its commands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FENCE = re.compile(r"^(`{3,}|~{3,})(.*?)\n(.*?)^\1`*\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)*)\)")


def pages() -> list[Path]:
    """Return every Markdown page a reader can come across."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def prose(text: str) -> str:
    """Return the page without its code."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def links(text: str) -> Iterator[str]:
    """Yield the targets of the links of a page, code left out."""
    yield from (found.group(1) for found in LINK.finditer(prose(text)))


def anchors(text: str) -> set[str]:
    """Return the fragments that the headings of a page answer to."""
    found = set()
    for line in FENCE.sub("", text).splitlines():
        heading = re.match(r"#{1,6}\s+(.*)", line)
        if heading:
            plain = re.sub(r"[`*_]|\]\([^)]*\)|\[", "", heading.group(1)).strip().lower()
            found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


@dataclass
class Typed:
    """One command of a console block, and what the page shows of its answer."""

    command: str
    shown: list[str] = field(default_factory=list)

    def answered_by(self, printed: str) -> bool:
        """Tell whether every line shown was printed, in that order; `…` stands for anything, a whole line too."""
        lines = iter(printed.splitlines())
        wanted = [shown.strip() for shown in self.shown if shown.strip() not in {"", "…"}]
        patterns = [".*".join(map(re.escape, shown.split("…"))) for shown in wanted]
        return all(any(re.fullmatch(rf"\s*{pattern}\s*", line) for line in lines) for pattern in patterns)


def commands(text: str) -> list[Typed]:
    """Return what a reader would type: the lines after `$ ` of every console block, continued lines joined."""
    typed: list[Typed] = []
    for block in FENCE.finditer(text):
        if block.group(2).strip() != "console":
            continue
        more = False
        for line in block.group(3).splitlines():
            if line.startswith("$ "):
                typed.append(Typed(line[2:]))
                more = line.endswith("\\")
            elif more:
                typed[-1].command += "\n" + line
                more = line.endswith("\\")
            else:
                typed[-1].shown.append(line)
    return typed
