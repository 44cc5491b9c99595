"""The source as the shape tests see it: each module once, with its syntax tree and its place in the house."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "countenance"

#: A rule: it looks at one module and complains, each time with the line and a sentence.
Rule = Callable[["Module"], Iterator[tuple[int, str]]]


@dataclass(frozen=True)
class Module:
    """One source file."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Return the path as a reader would write it."""
        return str(self.path.relative_to(ROOT))

    @property
    def room(self) -> str:
        """Return the verb, shelf or room: the first name below the package."""
        return self.path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def module(path: Path, text: str) -> Module:
    """Return the module that `path` would be if it held `text`."""
    return Module(path, text, ast.parse(text))


def planted(text: str, where: str = "capture.py") -> Module:
    """Return a module that is not there, to show that a rule sees what it forbids."""
    return module(PACKAGE / where, text)


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Return every module below `folders` of the repository, by default those of the package."""
    roots = [ROOT / folder for folder in folders] or [PACKAGE]
    paths = sorted(path for folder in roots for path in folder.rglob("*.py") if "__pycache__" not in path.parts)
    return tuple(module(path, path.read_text("utf-8")) for path in paths)


def complaints(rule: Rule, seen: tuple[Module, ...]) -> list[str]:
    """Return what `rule` says of the modules, one line each, after making sure that there was something to see."""
    assert seen, "the walk saw no module"
    return [f"{each.name}:{line}: {what}" for each in seen for line, what in rule(each)]


def calls(each: Module) -> Iterator[tuple[ast.Call, str]]:
    """Yield every call with the dotted name of what is called."""
    for node in ast.walk(each.tree):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for an attribute chain and the empty text for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def imported(each: Module) -> Iterator[tuple[int, str]]:
    """Yield every module that is imported, wherever in the file, with its line."""
    for node in ast.walk(each.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
