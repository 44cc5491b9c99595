"""Public names use the words of the standard (docs/glossary.md), so that one thing has one name."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.shape.source import Module, complaints, modules, planted

#: The word that is not said, and what is said instead.
NOT_SAID = {
    "user": "subject", "users": "subjects", "customer": "subject", "admin": "operator", "auditor": "regulator",
    "photo": "sample", "photos": "samples", "img": "sample", "imgs": "samples", "frame": "sample", "upload": "capture",
    "bbox": "face or box", "bboxes": "faces or boxes", "detection": "face", "detections": "faces",
    "confidence": "quality or comparison score",
    "embedding": "features or template", "embeddings": "features or templates", "vector": "features or template",
    "vectors": "features or templates", "descriptor": "features", "descriptors": "features",
    "gallery": "enrolment database", "registration": "enrolment", "enrollment": "enrolment", "training": "enrolment",
    "distance": "comparison score", "similarity": "comparison score", "matching": "comparison",
    "recognise": "verify or identify", "recognize": "verify or identify",
    "authenticate": "verify", "search": "identify",
    "genuine": "mated", "impostor": "non-mated", "spoof": "presentation attack", "liveness": "presentation attack",
    "far": "FMR", "frr": "FNMR", "allow": "permit", "deny": "refuse",
}  # fmt: skip

#: Where a word means another thing than the one the standard forbids it for.
MAY_SAY = {
    # The words of a network's authors, and of geometry: a similarity transform turns, scales and moves.
    "engines": {"embedding", "embeddings", "vector", "vectors", "descriptor", "descriptors", "distance", "similarity"},
    # The closed lists are the law's: a gallery is where pictures hang.
    "vocabulary": {"gallery"},
    # The command line speaks to people, who hold a photograph in their hand.
    "cli": {"photo"},
    # Who calls is settled by a credential; no face is compared.
    "access": {"authenticate"},
}


def words(name: str) -> set[str]:
    """Split a name into its words: `FaceVector`, `face_vector` and `FACE_VECTOR` are two words each."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def public_names(each: Module) -> Iterator[tuple[int, str]]:
    """Yield the names that others see: classes, functions, their parameters, fields and constants."""
    for node in ast.walk(each.tree):
        if isinstance(node, ast.ClassDef):
            yield node.lineno, node.name
            yield from fields(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node.lineno, node.name
            parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            yield from ((parameter.lineno, parameter.arg) for parameter in parameters)
    for node in each.tree.body:
        yield from fields_of_statement(node)


def fields(node: ast.ClassDef) -> Iterator[tuple[int, str]]:
    for statement in node.body:
        yield from fields_of_statement(statement)


def fields_of_statement(node: ast.stmt) -> Iterator[tuple[int, str]]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    yield from ((node.lineno, target.id) for target in targets if isinstance(target, ast.Name))


def wrong_words(each: Module) -> Iterator[tuple[int, str]]:
    said = MAY_SAY.get(each.room, set())
    for line, name in [(1, each.path.stem), *public_names(each)]:
        if not name.startswith("_"):
            for word in sorted(words(name) & NOT_SAID.keys() - said):
                yield line, f"{name}: say {NOT_SAID[word]}, not {word}"


def test_public_names_use_the_standard_words():
    assert sum(1 for each in modules() for _ in public_names(each)) > 200
    assert complaints(wrong_words, modules()) == []


@pytest.mark.parametrize(
    "text",
    [
        "class FaceEmbedding: ...",
        "def find_user(): ...",
        "def compare(img1, reference): ...",
        "def compare(*, max_distance): ...",
        "class Face:\n    confidence: float",
        "GALLERY_MAX = 3",
        "async def authenticate(): ...",
    ],
)
def test_a_wrong_word_is_seen(text):
    assert list(wrong_words(planted(text)))


def test_a_module_named_wrongly_is_seen():
    assert list(wrong_words(planted("", "pages/gallery.py")))


@pytest.mark.parametrize(
    "text", ["def _find_user(): ...", "class Face: ...", "references_max = 3", "def frames(): ..."]
)
def test_other_names_pass(text):
    assert not list(wrong_words(planted(text)))


def test_an_engine_may_use_the_words_of_its_network():
    assert not list(wrong_words(planted("def descriptor(): ...", "engines/dlib.py")))
    assert list(wrong_words(planted("def descriptor(): ...", "compare.py")))
