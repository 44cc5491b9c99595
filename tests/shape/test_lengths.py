"""A function fits on a screen (60 lines), a module in a head (400)."""

import ast
from collections.abc import Iterator

from tests.shape.source import Module, complaints, modules, planted

FUNCTION_LINES_MAX = 60
MODULE_LINES_MAX = 400


def long_functions(each: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(each.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield node.lineno, f"{node.name} has {lines} lines; {FUNCTION_LINES_MAX} at most"


def long_modules(each: Module) -> Iterator[tuple[int, str]]:
    lines = len(each.text.splitlines())
    if lines > MODULE_LINES_MAX:
        yield 1, f"{lines} lines; {MODULE_LINES_MAX} at most: a verb that outgrows this becomes a folder"


def written_by_hand() -> tuple[Module, ...]:
    """Leave out the migrations: Alembic writes them, and once released they are never changed."""
    return tuple(each for each in modules("src", "tools", "bench", "tests") if "versions" not in each.path.parts)


def test_functions_fit_on_a_screen():
    assert complaints(long_functions, written_by_hand()) == []


def test_modules_fit_in_a_head():
    assert complaints(long_modules, written_by_hand()) == []


def test_the_rules_see_what_is_too_long():
    body = "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX
    assert list(long_functions(planted(body)))
    assert not list(long_functions(planted(body.removesuffix("    x = 1\n"))))
    assert list(long_modules(planted("x = 1\n" * (MODULE_LINES_MAX + 1))))
    assert not list(long_modules(planted("x = 1\n" * MODULE_LINES_MAX)))
