"""The generated reference says what the code says."""

import pytest

from tests.docs.pages import ROOT
from tools import reference


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_page_is_current(name):
    written = (ROOT / name).read_text("utf-8")
    assert written == reference.PAGES[name](), f"{name} is not what the code says: run make docs"


def test_every_article_has_its_page_and_no_page_is_left_over():
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "reference" / "law").rglob("*.md")}
    assert len(pages) == 45
    assert pages == {name for name in reference.PAGES if name.startswith("docs/reference/law/")}


def test_every_public_type_is_in_the_glossary():
    kinds = reference.all_types()
    assert {"Permit", "Facts", "Settings", "Sample"} <= {name for name, _, _ in kinds}
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    assert [name for name, _, says in kinds if f"| `{name}` |" not in text or not says] == []


def test_every_setting_is_described():
    from countenance.settings import read_settings

    page = (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8")
    settings = read_settings({})
    names = [f"`COUNTENANCE_{name.upper()}`" for name in settings.__dataclass_fields__]
    assert len(names) > 10
    assert [name for name in names if f"| {name} |" not in page] == []


def test_a_type_without_a_sentence_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "PACKAGE", tmp_path)
    (tmp_path / "facts.py").write_text('class Known:\n    """One thing."""\nclass Bare: ...\nclass _Hidden: ...\n')
    assert reference.all_types() == [("Bare", "facts", ""), ("Known", "facts", "One thing.")]


def test_every_error_has_its_row_over_http():
    from countenance import errors
    from countenance.api.problems import KINDS, PROBLEMS

    kinds = {
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CountenanceError)
    }
    assert len(kinds) > 5
    assert kinds - {errors.CountenanceError} == set(KINDS)
    assert set(KINDS.values()) <= {problem.name for problem in PROBLEMS}
