"""Runs a Python block as the reader would, and holds what it shows against what happens.

A comment behind an expression that is a Python literal is the value of that expression: `verified.key_id  # "pk_1"`.
"""

import ast
import contextlib
import io
import tokenize
from typing import Any

from .pages import Block

_SHOWN = "__shown__"


def run_python(block: Block, code: str, names: dict[str, Any]) -> str:
    """Run the code of a block in the namespace of its page; what it printed.

    Raises AssertionError where a value is not the one that is shown.
    """
    tree = _ShownValues(_literal_comments(code)).visit(ast.parse(code))
    # Line numbers of a traceback are those of the page.
    ast.increment_lineno(tree, block.line - 1)
    printed = io.StringIO()
    names[_SHOWN] = _compare
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.fix_missing_locations(tree), block.page, "exec"), names)
    return printed.getvalue()


def _literal_comments(code: str) -> dict[int, Any]:
    """The values that comments show, by line."""
    found: dict[int, Any] = {}
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            with contextlib.suppress(ValueError, SyntaxError):
                found[token.start[0]] = ast.literal_eval(token.string.lstrip("# "))
    return found


class _ShownValues(ast.NodeTransformer):
    def __init__(self, shown: dict[int, Any]) -> None:
        self._shown = shown

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        if node.end_lineno not in self._shown:
            return node
        expected = ast.parse(repr(self._shown[node.end_lineno]), mode="eval").body
        call = ast.Call(ast.Name(_SHOWN, ast.Load()), [node.value, expected], [])
        return ast.copy_location(ast.Expr(call), node)


def _compare(actual: Any, expected: Any) -> None:
    assert actual == expected, f"the value is {actual!r}, and the page shows {expected!r}"
