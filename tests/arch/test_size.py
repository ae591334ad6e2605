"""Nothing grows past what can be read in one go, and nothing is left half done."""

import ast
import re

import pytest

from tests.arch.sources import all_files, product_files, shown

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
UNFINISHED = re.compile(r"\b(TODO|FIXME|raise NotImplementedError)\b")
BLIND = re.compile(r"except Exception\b")


def test_files_stay_short() -> None:
    lengths = {shown(path): len(path.read_text(encoding="utf-8").splitlines()) for path in all_files()}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES_OF_A_FILE} == {}


def test_functions_stay_short() -> None:
    long = []
    for path in all_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MOST_LINES_OF_A_FUNCTION:
                    long.append(f"{shown(path)}:{node.lineno} {node.name} has {length} lines")
    assert long == []


@pytest.mark.parametrize("never", [UNFINISHED, BLIND], ids=["unfinished", "blind except"])
def test_product_code_never_contains(never: re.Pattern[str]) -> None:
    found = [
        f"{shown(path)}:{number} {line.strip()}"
        for path in product_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if never.search(line)
    ]
    assert found == []
