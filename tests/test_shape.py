"""
The shape of the code: sizes, docstrings, rooms that are nothing but rooms.

What ruff, mypy and import-linter can check is theirs; this is the rest.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
MAX_LINES = 400
MAX_FUNCTION_LINES = 50
NOTE = re.compile(r"Takes: .*Gives: .*May touch: ", re.DOTALL)
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "core", "misc"}

MODULES = sorted(path for folder in ("relay", "bench") for path in (PROJECT / folder).rglob("*.py"))
ROOMS = sorted((PROJECT / "relay").rglob("__init__.py"))
TESTS = sorted((PROJECT / "tests").rglob("*.py"))


def name_of(path: Path) -> str:
    """
    Return the path inside the project.
    """
    return str(path.relative_to(PROJECT))


def parsed(path: Path) -> ast.Module:
    """
    Return the syntax tree of a file.
    """
    return ast.parse(path.read_text())


def is_only_a_note(tree: ast.Module) -> bool:
    """
    Tell whether a module is one docstring and nothing else.
    """
    return len(tree.body) == 1 and ast.get_docstring(tree) is not None


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


def test_files_fit_on_a_few_screens() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in (*MODULES, *TESTS)}

    assert {} == {name: lines for name, lines in lengths.items() if lines > MAX_LINES}


def test_functions_fit_on_one_screen() -> None:
    # A migration is a list of statements that never changes again.
    paths = [path for path in (*MODULES, *TESTS) if path.parent.name != "versions"]
    lengths = {
        f"{name_of(path)}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in paths
        for node in functions(parsed(path))
    }

    assert {} == {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES}


def test_what_is_public_has_a_docstring() -> None:
    assert [] == [f"{name_of(path)}: {name}" for path in MODULES for name in undocumented(parsed(path))]


def test_a_test_module_says_what_it_is_about() -> None:
    assert [] == [name_of(path) for path in TESTS if not ast.get_docstring(parsed(path))]


def test_a_room_holds_only_its_note() -> None:
    assert [] == [name_of(room) for room in ROOMS if not is_only_a_note(parsed(room))]


def test_the_note_of_a_room_says_what_goes_in_and_out() -> None:
    rooms = [room for room in ROOMS if room.parents[1] == PROJECT / "relay"]
    notes = {name_of(room): ast.get_docstring(parsed(room)) or "" for room in rooms}

    assert {"relay/sources/__init__.py", "relay/sinks/__init__.py"} <= notes.keys()
    assert [] == [name for name, note in notes.items() if not re.search(NOTE, note)]


def test_names_say_something() -> None:
    assert [] == [name_of(path) for path in MODULES if {path.stem, path.parent.name} & VAGUE_NAMES]


def test_every_folder_of_the_package_is_a_package() -> None:
    folders = {path.parent for path in MODULES}

    assert set() == {name_of(folder) for folder in folders if not (folder / "__init__.py").exists()}
