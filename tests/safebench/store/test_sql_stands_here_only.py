"""All SQL stands beside the schema, so that whoever changes a table finds all that reads it."""

import ast
import re
from pathlib import Path

import pytest

import safebench

SQL = re.compile(
    r"\b(SELECT\s+([\w*(]|$)|INSERT\s+(OR|INTO)\b|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE|PRAGMA\s)"
)
PACKAGE = Path(safebench.__file__).parent


def statements(source: str) -> list[str]:
    texts = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return [text for text in texts if isinstance(text, str) and SQL.search(text)]


def test_no_module_outside_of_the_store_holds_sql() -> None:
    files = [file for file in PACKAGE.rglob("*.py") if PACKAGE / "store" not in file.parents]
    holding = {str(file.relative_to(PACKAGE)): statements(file.read_text(encoding="utf-8")) for file in files}
    assert {name: texts for name, texts in holding.items() if texts} == {}
    assert len(files) > 100


@pytest.mark.parametrize(
    "source",
    [
        'store.rows("SELECT text" " FROM queries")',
        'f"SELECT {columns} FROM items"',
        '"""\nSELECT i.id,\n  i.query FROM items i"""',
        'db.execute("DELETE FROM ballots")',
        'db.execute("UPDATE items SET outcome = NULL")',
        'db.execute("INSERT OR IGNORE INTO meta VALUES (1)")',
        'db.execute("PRAGMA journal_mode=WAL")',
    ],
)
def test_a_statement_is_recognised(source: str) -> None:
    assert statements(source)
