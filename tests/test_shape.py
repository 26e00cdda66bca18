"""
The shape of the code: sizes, docstrings, rooms that are nothing but rooms.

What ruff, mypy and import-linter can check is theirs; this is the rest.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
MAX_LINES = 400
MAX_FUNCTION_LINES = 50
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "core", "misc"}

MODULES = sorted((PROJECT / "relay").rglob("*.py"))
ROOMS = [path for path in MODULES if path.name == "__init__.py"]
TESTS = sorted((PROJECT / "tests").rglob("*.py"))


def name_of(path: Path) -> str:
    """
    Return the path inside the project.
    """
    return str(path.relative_to(PROJECT))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """
    Yield every function of a module, methods and inner ones too.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def undocumented(tree: ast.Module) -> Iterator[str]:
    """
    Yield what is public, promises something and has no docstring: classes, and functions of modules.
    """
    if ast.get_docstring(tree) is None:
        yield "the module"
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not node.name.startswith("_") and ast.get_docstring(node) is None:
            yield node.name


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=name_of)
def test_a_file_and_its_functions_fit_on_a_few_screens(path: Path) -> None:
    text = path.read_text()
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions(ast.parse(text))}
    # A migration is a list of statements that never changes again.
    is_migration = path.parent.name == "versions"

    assert MAX_LINES >= len(text.splitlines())
    assert {} == {
        name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES and not is_migration
    }


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_what_is_public_has_a_docstring(path: Path) -> None:
    assert [] == list(undocumented(ast.parse(path.read_text())))


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_a_test_module_says_what_it_is_about(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", ROOMS, ids=name_of)
def test_a_room_holds_only_its_note(path: Path) -> None:
    (note,) = ast.parse(path.read_text()).body

    assert isinstance(note, ast.Expr)
    assert isinstance(note.value, ast.Constant)


@pytest.mark.parametrize(
    "room", [room for room in ROOMS if room.parents[1] == PROJECT / "relay"], ids=name_of
)
def test_the_note_of_a_room_says_what_goes_in_and_out(room: Path) -> None:
    note = ast.get_docstring(ast.parse(room.read_text())) or ""

    assert ["Takes: ", "Gives: ", "May touch: "] == [
        word for word in ("Takes: ", "Gives: ", "May touch: ") if word in note
    ]


def test_names_say_something() -> None:
    assert [] == [name_of(path) for path in MODULES if {path.stem, path.parent.name} & VAGUE_NAMES]


def test_every_folder_of_the_package_is_a_package() -> None:
    folders = {path.parent for path in MODULES}

    assert set() == {name_of(folder) for folder in folders if not (folder / "__init__.py").exists()}
