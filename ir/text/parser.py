"""Read a graph from the text that `graphc.ir.text.printer` writes.

A tokenizer and one function per rule of the grammar in docs/ir.md.  Every node is built by `make`, so its type is inferred
and compared with the type in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn, TypeVar

from graphc.ir.core.graph import PARAMETER, Graph, Node, Primitive, Region, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.signatures import misfit
from graphc.ir.core.types import DTYPES, GROWING, TensorType
from graphc.ir.text.printer import has_name

__all__ = ["IRSyntaxError", "parse"]

T = TypeVar("T")

TOKEN = re.compile(
    r"""(?P<space>(?:[ \t\r\n]|\#[^\n]*)+)
      | (?P<value>%[A-Za-z0-9_.]+)
      | (?P<float>-?(?:[0-9]+\.[0-9]*(?:e[+-]?[0-9]+)?|[0-9]+e[+-]?[0-9]+)|-inf\b)
      | (?P<int>-?[0-9]+)
      | (?P<word>[A-Za-z_][A-Za-z0-9_.]*)
      | (?P<string>"(?:[^"\\\n]|\\["\\n])*")
      | (?P<sign>->|[(){}\[\],:=?])""",
    re.VERBOSE,
)
DEEPEST = 64
"""How deep lists and regions may nest: deeper text is an attack on the stack, not a program."""
LONGEST = 40
"""Digits of the longest integer."""


class IRSyntaxError(ValueError):
    """The text is not a graph.  `line` and `column` count from 1; `expected` and `got` describe the error at that position."""

    def __init__(self, line: int, column: int, expected: str, got: str) -> None:
        super().__init__(f"{line}:{column}: expected {expected}, got {got}")
        self.line, self.column, self.expected, self.got = line, column, expected, got


class Token(NamedTuple):
    """A piece of the text, its kind (a group of TOKEN, or `end`), and its position."""

    kind: str
    text: str
    line: int
    column: int

    def fail(self, expected: str, got: str = "") -> NoReturn:
        """Raise IRSyntaxError at this position."""
        raise IRSyntaxError(self.line, self.column, expected, got or self.text or "the end of the text")


def parse(text: str) -> Graph:
    """Return the graph that a text denotes.

    Names become the names of nodes, numbers do not; comments are skipped.  Equal lines give distinct nodes.
    Raises IRSyntaxError, and nothing else, for text that is not a well-typed graph.
    """
    return _Parser(_tokens(text)).graph()


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    at, line, start = 0, 1, 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise IRSyntaxError(line, at - start + 1, "a token", repr(text[at]))
        kind, piece = str(match.lastgroup), match.group()
        if kind != "space":
            tokens.append(Token(kind, piece, line, at - start + 1))
        if "\n" in piece:
            line, start = line + piece.count("\n"), at + piece.rindex("\n") + 1
        at = match.end()
    return [*tokens, Token("end", "", line, at - start + 1)]


@dataclass
class Scope:
    """The names that the lines of one region have defined."""

    named: dict[str, Node] = field(default_factory=dict)
    nodes: set[Node] = field(default_factory=set)


class _Parser:
    """Recursive descent: each method reads one rule of the grammar from the tokens at `at`."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    # -- tokens ---------------------------------------------------------------------------------------

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def sees(self, text: str) -> bool:
        return self.next.text == text and self.next.kind != "string"

    def take(self) -> Token:
        token = self.next
        self.at += token.kind != "end"
        return token

    def accept(self, text: str) -> bool:
        """Consume a sign or a word if it is next."""
        seen = self.sees(text)
        self.at += seen
        return seen

    def expect(self, text: str) -> Token:
        if not self.sees(text):
            self.next.fail(f"'{text}'")
        return self.take()

    def expect_kind(self, kind: str, expected: str) -> Token:
        if self.next.kind != kind:
            self.next.fail(expected)
        return self.take()

    def listed(self, item: Callable[[], T], close: str) -> list[T]:
        """Read items separated by commas up to and including the closing sign."""
        items: list[T] = []
        while not self.accept(close):
            if items:
                self.expect(",")
            items.append(item())
        return items

    def nested(self, rule: Callable[[], T]) -> T:
        if self.depth == DEEPEST:
            self.next.fail(f"at most {DEEPEST} levels")
        self.depth += 1
        result = rule()
        self.depth -= 1
        return result

    # -- graphs and regions -----------------------------------------------------------------------------

    def graph(self) -> Graph:
        self.expect("graph")
        name = self.expect_kind("word", "the graph's name").text
        scope, params = self.parameters()
        self.expect("->")
        arrow = self.expect("(")
        types = self.listed(self.type, ")")
        results = self.body(scope)
        if self.next.kind != "end":
            self.next.fail("the end of the text")
        got = [t for r in results for t in r.types]
        if got != types:
            arrow.fail(f"the types of the results, ({', '.join(map(str, got))})", f"({', '.join(map(str, types))})")
        return Graph(params, results, name)

    def parameters(self) -> tuple[Scope, tuple[Node, ...]]:
        scope = Scope()
        self.expect("(")

        def one() -> Node:
            token = self.expect_kind("value", "a parameter")
            self.expect(":")
            start = self.next
            type = self.type()
            if type.grows:
                start.fail("a type of fixed extents", str(type))
            return self.define(scope, token, parameter(type, _name(token)))

        params = tuple(self.listed(one, ")"))
        return scope, params

    def region(self) -> Region:
        scope, params = self.parameters()
        return Region(params, self.body(scope))

    def body(self, scope: Scope) -> tuple[Node, ...]:
        self.expect("{")
        while not self.accept("return"):
            self.line(scope)
        return tuple(self.listed(lambda: self.operand(scope), "}"))

    def line(self, scope: Scope) -> None:
        target = self.expect_kind("value", "a node or 'return'")
        self.expect(":")
        types = self.types()
        self.expect("=")
        word = self.expect_kind("word", "a primitive")
        op = PRIMITIVES.get(word.text)
        if op is None or op is PARAMETER:
            word.fail("a primitive")
        operands = self.operands(scope)
        params = self.constant(types[0]) if word.text == "constant" and types else self.params(op)
        regions: list[Region] = []
        while self.sees("("):
            regions.append(self.nested(self.region))
        try:
            node = _make(op, operands, params, tuple(regions), _name(target), scope.nodes)
        except Exception as error:  # a type rule may fail in any way on operands it does not expect
            raise IRSyntaxError(word.line, word.column, f"operands and parameters that fit {op.name}", str(error)) from error
        if node.types != types:
            target.fail(f"the type {_tuple(node.types)}", _tuple(types))
        self.define(scope, target, node)

    def define(self, scope: Scope, token: Token, node: Node) -> Node:
        if token.text in scope.named:
            token.fail("a name that is not defined yet")
        scope.named[token.text] = node
        scope.nodes.add(node)
        return node

    # -- the parts of a line ------------------------------------------------------------------------------

    def operand(self, scope: Scope) -> Node:
        token = self.expect_kind("value", "an operand")
        if token.text not in scope.named:
            token.fail("a value that is defined above")
        return scope.named[token.text]

    def operands(self, scope: Scope) -> list[Node]:
        operands: list[Node] = []
        if self.next.kind != "value" or self.tokens[self.at + 1].text == ":":
            return operands  # the next line
        operands.append(self.operand(scope))
        while self.accept(","):
            operands.append(self.operand(scope))
        return operands

    def params(self, op: Primitive) -> dict[str, Any]:
        params: dict[str, Any] = {}

        def one() -> None:
            key = self.expect_kind("word", "a parameter's name")
            if key.text in params:
                key.fail("each parameter once")
            self.expect("=")
            token = self.next
            params[key.text] = value = self.value()
            declared = op.attributes.get(key.text)
            if declared is not None and not declared.holds(value):
                token.fail(f"a parameter that fits {op.name}", misfit(op.name, key.text, declared, value))

        if self.accept("{"):
            self.listed(one, "}")
        return params

    def constant(self, type: TensorType) -> dict[str, Any]:
        token, dtype = self.next, type.dtype
        value = self.value()
        if not isinstance(value, NUMBERS[dtype.kind]) or isinstance(value, bool) is not dtype.is_bool:
            token.fail(f"a number of dtype {dtype}")
        scalar = dtype.scalar(value)
        if not dtype.is_float and scalar != value:
            token.fail(f"a number within {dtype}")
        return {"value": scalar, "dtype": dtype, "shape": type.shape}

    def value(self) -> Any:
        token = self.take()
        if token.kind == "int":
            return _integer(token)
        if token.kind == "float":
            return float(token.text)
        if token.kind == "string":
            return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], token.text[1:-1])
        if token.kind == "sign" and token.text == "[":
            return tuple(self.nested(lambda: self.listed(self.value, "]")))
        if token.kind == "word" and token.text in WORDS:
            return WORDS[token.text]
        if token.kind == "word" and token.text in DTYPES:
            return TensorType(DTYPES[token.text], self.shape()) if self.sees("[") else DTYPES[token.text]
        token.fail("a number, string, list, dtype or type")

    # -- types ------------------------------------------------------------------------------------------

    def types(self) -> tuple[TensorType, ...]:
        return tuple(self.listed(self.type, ")")) if self.accept("(") else (self.type(),)

    def type(self) -> TensorType:
        token = self.expect_kind("word", "a dtype")
        if token.text not in DTYPES:
            token.fail(f"a dtype ({', '.join(DTYPES)})")
        return TensorType(DTYPES[token.text], self.shape())

    def shape(self) -> tuple[int, ...]:
        self.expect("[")
        return tuple(self.listed(self.extent, "]"))

    def extent(self) -> int:
        if self.accept("?"):
            return GROWING
        token = self.expect_kind("int", "an extent")
        if token.text.startswith("-"):
            token.fail("an extent of at least 0")
        return _integer(token)


NUMBERS: dict[str, tuple[type, ...]] = {"float": (int, float), "int": (int,), "bool": (bool,)}
WORDS: dict[str, Any] = {"true": True, "false": False, "none": None, "inf": float("inf"), "nan": float("nan")}


def _integer(token: Token) -> int:
    if len(token.text) > LONGEST:
        token.fail(f"an integer of at most {LONGEST} digits")
    return int(token.text)


def _name(token: Token) -> str:
    """Return the node name for a value's spelling: empty for a number."""
    return "" if token.text[1].isdigit() else token.text[1:]


def _tuple(types: tuple[TensorType, ...]) -> str:
    return str(types[0]) if len(types) == 1 else f"({', '.join(map(str, types))})"


def _make(
    op: Primitive, operands: list[Node], params: dict[str, Any], regions: tuple[Region, ...], name: str, defined: set[Node]
) -> Node:
    op.infer(tuple(operands), params, regions)  # also where an equal node exists: 1, 1.0 and true are equal keys
    node = make(op, operands, params, regions)
    # two equal lines are two nodes, and a node that other graphs have named keeps its name
    if node in defined or (has_name(node) and node.name not in ("", name)):
        node = make(op, operands, params, regions, unique=True)
    if has_name(node):
        node.name = node.name or name
    return node
