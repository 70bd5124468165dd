"""The rooms keep their doors: imports point downward, and only public ones are used."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sk_shallow

ROOT = Path(__file__).parent.parent
SOURCES = sorted(Path(sk_shallow.__file__).parent.rglob("*.py"))


def test_imports_point_downward():
    # The contracts stand in pyproject.toml.
    linter = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    result = subprocess.run(
        [sys.executable, "-c", linter, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert "11 kept, 0 broken" in result.stdout, result.stdout + result.stderr


def imported_names(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_only_public_names_of_other_packages_are_imported(path):
    foreign = [name for name in imported_names(path) if not name.startswith("sk_shallow")]
    private = [
        name for name in foreign if any(part.startswith("_") for part in name.split("."))
    ]
    assert not [name for name in private if name != "__future__"]


def test_importing_the_package_does_not_import_matplotlib():
    code = "import sk_shallow, sys; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_every_public_name_exists_and_is_sorted():
    assert sk_shallow.__all__ == sorted(sk_shallow.__all__)
    assert all(hasattr(sk_shallow, name) for name in sk_shallow.__all__)
