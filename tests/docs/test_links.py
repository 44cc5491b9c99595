"""Links inside the documents lead somewhere."""

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, anchors, links, pages


def broken(page: Path, text: str) -> list[str]:
    """Return the links of a page that lead nowhere; addresses on the web are not visited."""
    lost = []
    for target in links(text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, fragment = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if (
            not there.exists()
            or ROOT not in (there, *there.parents)
            or (fragment and fragment not in anchors(there.read_text("utf-8") if path else text))
        ):
            lost.append(target)
    return lost


def test_links_lead_somewhere():
    found = pages()
    assert len(found) > 10
    assert sum(1 for page in found for _ in links(page.read_text("utf-8"))) > 30
    assert {page.name: lost for page in found if (lost := broken(page, page.read_text("utf-8")))} == {}


@pytest.mark.parametrize("link", ["nowhere.md", "#no-such-heading", "README.md#no-such-heading", "../outside.md"])
def test_a_broken_link_is_seen(link):
    assert broken(ROOT / "README.md", f"# Here\n\n[text]({link})\n") == [link]


@pytest.mark.parametrize("link", ["LICENSE", "#here", "docs/dependencies.md#the-locks", "https://example.org/x"])
def test_a_sound_link_passes(link):
    assert broken(ROOT / "README.md", f"# Here\n\n[text]({link})\n") == []


def reachable(start: Path) -> set[Path]:
    """Return the pages a reader comes to by following links; a link to a folder leads to every page in it."""
    found, waiting = set(), [start]
    while waiting:
        page = waiting.pop()
        if page in found:
            continue
        found.add(page)
        for target in links(page.read_text("utf-8")):
            there = (page.parent / target.partition("#")[0]).resolve()
            waiting += (
                there.glob("*.md") if there.is_dir() else [there] if there.suffix == ".md" and there.is_file() else []
            )
    return found


def test_every_page_can_be_found():
    assert [page.name for page in pages() if page not in reachable(ROOT / "README.md")] == []
    assert reachable(ROOT / "LICENSE") == {ROOT / "LICENSE"}
