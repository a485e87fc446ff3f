"""IR texts, and random changes of them: of operands, types, attributes, constants, lines and regions."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import graphc as torch
from graphc import func
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import DTYPES
from graphc.ir.text.parser import IRSyntaxError, parse
from graphc.ir.text.printer import to_text
from tests import graphs

__all__ = ["corpus", "mutated"]

# -- the texts before ------------------------------------------------------------------------------------


def _lorenz(s: Any) -> Any:
    def step(c: Any, _: Any) -> Any:
        x, y, z = c[0], c[1], c[2]
        return c + 0.01 * torch.stack([10 * (y - x), x * (28 - z) - y, x * y - 2.5 * z]), x * y

    last, seen = torch.scan(step, s, None, length=3)
    return (last * last).sum() + seen.sum()


def _recurrence(w: Any, xs: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = torch.tanh(x + h @ w)
        return h, h[0]

    last, rows = torch.scan(step, xs[0], xs)
    return (last * last).sum() + rows.sum()


def _newton(x: Any) -> Any:
    return torch.while_loop(lambda y: (y * y - x).abs().max() > 1e-3, lambda y: 0.5 * (y + x / y), x + 1).sum()


def _branches(x: Any, y: Any) -> Any:
    def yes(x: Any, y: Any) -> Any:
        return torch.cond(y.sum() > 0, lambda x, y: x * y, lambda x, y: x - y, (x, y))

    return torch.cond(x.sum() > 0, yes, lambda x, y: torch.sin(x) * 2 + y, (x, y)).sum()


def _written(x: Any, i: Any) -> Any:
    def step(c: Any, k: Any) -> Any:
        c = c.clone()
        c[k] = c[k] * 2 + 1
        return c.index_add(0, i, x[:2]), c[1]

    last, seen = torch.scan(step, x, torch.arange(4))
    return last.sum() + (seen * seen).sum()


def _softmax(x: Any) -> Any:
    y = torch.softmax(x, 1)
    return (y * y).sum() + torch.nn.functional.pad(y[:, 1:], (1, 2)).sum()


def _stencil(x: Any) -> Any:
    return ((x[1:] - x[:-1]) ** 2).sum() + (x[0] * x[-1]).sum() + x.flip(0)[1:].cumsum(0).sum()


def _indexed(x: Any, i: Any) -> Any:
    return (x[i] * x.argmax(0)).sum() + torch.zeros(3, 2).scatter(0, i.reshape(2, 1), x[:1, :1].expand(2, 1)).sum()


_F, _D = np.float32, np.float64
_PROGRAMS: list[tuple[Callable[..., Any], list[tuple[Any, Any]]]] = [
    (_lorenz, [((3,), _D)]), (_recurrence, [((3, 3), _F), ((2, 4, 3), _F)]), (_recurrence, [((20, 20), _D), ((3, 2, 20), _D)]),
    (_newton, [((3,), _D)]), (_newton, [((40,), _F)]), (_branches, [((3,), _D), ((3,), _D)]),
    (_branches, [((30, 2), _F), ((30, 2), _F)]), (_written, [((6,), _D), ((2,), np.int64)]),
    (_written, [((40,), _F), ((2,), np.int64)]), (_softmax, [((5, 9), _F)]), (_stencil, [((12,), _D)]),
    (_stencil, [((6, 20), _F)]),
    (_indexed, [((3, 2), _F), ((2,), np.int64)]),
]  # fmt: skip


@cache
def corpus() -> list[str]:
    """Return the texts that are mutated: random graphs, and programs with loops and branches at several stages."""
    texts = [to_text(graphs.Maker(seed).graph(random.Random(seed).randint(6, 12), 2)) for seed in range(60)]
    for program, types in _PROGRAMS:
        arguments = [np.zeros(shape, dtype) if dtype is np.int64 else np.ones(shape, dtype) for shape, dtype in types]
        low = torch.compile(program).lower(*arguments)
        texts += [low.ir("captured"), low.ir("bufferized")]
        low = torch.compile(func.grad(program)).lower(*arguments)
        texts += [low.ir("adjoint"), low.ir("optimized"), low.ir("bufferized")]
    return [text for text in dict.fromkeys(texts) if len(text) < 12_000]


# -- changes ----------------------------------------------------------------------------------------------

VALUE = re.compile(r"%\w+")
NUMBER = re.compile(r"(?<![\w%.])-?\d+(?:\.\d+)?(?![\w.])")
TYPE = re.compile(r"\b(\w+)(\[[\d,?]*\])")
NUMBERS = (
    "0", "1", "-1", "2", "3", "7", "8", "100", "2147483648", "9223372036854775807", "1000000000000000000000000000000", "0.5",
    "1.0", "-0.0", "nan", "inf", "-inf", "1e308", "true", "false", "none", "[]", "[0]", "[1,0]", "f32", "f32[2]", '"x"',
)  # fmt: skip
INDICES = ("0", "0", "1", "1", "2", "3", "-1", "8", "20")


def _one(choose: random.Random, pattern: re.Pattern[str], text: str, new: Callable[[re.Match[str]], str]) -> str:
    """Replace one match, any."""
    found = list(pattern.finditer(text))
    if not found:
        return text
    match = choose.choice(found)
    return text[: match.start()] + new(match) + text[match.end() :]


def _line(choose: random.Random, lines: list[str], change: Callable[[str], str]) -> None:
    """Change one line that makes a node."""
    found = [i for i, line in enumerate(lines) if " = " in line]
    if found:
        at = choose.choice(found)
        lines[at] = change(lines[at])


def _swapped_operands(choose: random.Random, lines: list[str]) -> None:
    def change(line: str) -> str:
        target, _, rest = line.partition(" = ")
        names = VALUE.findall(rest)
        if len(names) < 2:
            return line
        a, b = choose.sample(range(len(names)), 2)
        names[a], names[b] = names[b], names[a]
        following = iter(names)
        return f"{target} = {VALUE.sub(lambda _: next(following), rest)}"

    _line(choose, lines, change)


def _other_operand(choose: random.Random, lines: list[str]) -> None:
    names = VALUE.findall("\n".join(lines))
    _line(choose, lines, lambda line: line.partition(" = ")[0] + " = " + _one(
        choose, VALUE, line.partition(" = ")[2], lambda _: choose.choice(names)))  # fmt: skip


def _other_primitive(choose: random.Random, lines: list[str]) -> None:
    def change(line: str) -> str:
        target, _, rest = line.partition(" = ")
        name = rest.split(" ")[0]
        kind = PRIMITIVES[name].kind if name in PRIMITIVES else ""
        alike = [p.name for p in PRIMITIVES.values() if p.kind == kind or choose.random() < 0.05]
        return f"{target} = {choose.choice(alike)}{rest[len(name) :]}"

    _line(choose, lines, change)


def _other_number(choose: random.Random, lines: list[str]) -> None:
    pool = NUMBERS if choose.random() < 0.3 else INDICES

    def new(match: re.Match[str]) -> str:
        if match[0].lstrip("-").isdigit() and choose.random() < 0.4:
            return str(int(match[0]) + choose.choice((-1, 1, 2)))
        return choose.choice(pool)

    _line(choose, lines, lambda line: _one(choose, NUMBER, line, new))


def _swapped_numbers(choose: random.Random, lines: list[str]) -> None:
    def change(line: str) -> str:
        target, _, rest = line.partition(" = ")
        numbers = NUMBER.findall(rest)
        choose.shuffle(numbers)
        following = iter(numbers)
        return f"{target} = {NUMBER.sub(lambda _: next(following), rest)}"

    _line(choose, lines, change)


def _attribute(choose: random.Random, lines: list[str]) -> None:
    pattern = re.compile(r"\w+=(?:\[[^=]*\]|\w+)(?=[,}])")
    others = pattern.findall("\n".join(lines))

    def new(match: re.Match[str]) -> str:
        key = match[0].partition("=")[0]
        kind = choose.randrange(4)
        if kind == 0 and others:
            return choose.choice(others)
        if kind == 1:
            return f"{key}={choose.choice(NUMBERS)}"
        if kind == 2:
            return f"{choose.choice(('axis', 'axes', 'shape', 'index', 'x'))}={match[0].partition('=')[2]}"
        return f"{match[0]}, {choose.choice(('axis', 'extra', 'shape'))}={choose.choice(NUMBERS)}"

    _line(choose, lines, lambda line: _one(choose, pattern, line, new))


def _items(choose: random.Random, lines: list[str]) -> None:
    """Lengthen or shorten a list."""

    def new(match: re.Match[str]) -> str:
        items = match[1].split(",") if match[1] else []
        if items and choose.random() < 0.5:
            items.pop(choose.randrange(len(items)))
        else:
            items.insert(choose.randint(0, len(items)), choose.choice(INDICES))
        return f"[{','.join(items)}]"

    _line(choose, lines, lambda line: _one(choose, re.compile(r"\[([\d,-]*)\]"), line, new))


def _other_type(choose: random.Random, lines: list[str]) -> None:
    _line(choose, lines, lambda line: _one(choose, TYPE, line, lambda m: choose.choice(list(DTYPES)) + m[2]))


def _dtype_everywhere(choose: random.Random, lines: list[str]) -> None:
    old, new = choose.choice(list(DTYPES)), choose.choice(list(DTYPES))
    lines[:] = [re.sub(rf"\b{old}\b", new, line) for line in lines]


def _extent_everywhere(choose: random.Random, lines: list[str]) -> None:
    found = [n for _, shape in TYPE.findall("\n".join(lines)) for n in re.findall(r"\d+", shape)]
    if found:
        old, new = choose.choice(found), choose.choice(("0", "1", "2", "3", "5", "9", "16", "33", *found))
        lines[:] = [re.sub(rf"(?<=[\[,]){old}(?=[,\]])", new, line) for line in lines]


def _deleted(choose: random.Random, lines: list[str]) -> None:
    del lines[choose.randrange(len(lines))]


def _duplicated(choose: random.Random, lines: list[str]) -> None:
    at = choose.randrange(len(lines))
    name = f"%new{choose.randrange(100)}"
    lines.insert(at + 1, re.sub(r"^(\s*)%\w+(?=: .* = )", lambda m: m[1] + name, lines[at]))


def _exchanged(choose: random.Random, lines: list[str]) -> None:
    a, b = choose.randrange(len(lines)), choose.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]


def _returned(choose: random.Random, lines: list[str]) -> None:
    """Return another value, or one more, or one less."""
    found = [i for i, line in enumerate(lines) if line.strip().startswith("return")]
    if not found or not VALUE.search(lines[found[0]]):
        return
    at = choose.choice(found)
    indent, _, rest = lines[at].partition("return ")
    names, all_names = rest.split(", "), VALUE.findall("\n".join(lines))
    kind = choose.randrange(3)
    if kind == 0:
        names[choose.randrange(len(names))] = choose.choice(all_names)
    elif kind == 1:
        names.insert(choose.randint(0, len(names)), choose.choice(all_names))
    else:
        names.pop(choose.randrange(len(names)))
    lines[at] = f"{indent}return {', '.join(names)}"


def _parameters(choose: random.Random, lines: list[str]) -> None:
    """Delete, repeat or exchange parameters of the graph or a region."""
    pattern = re.compile(r"%\w+: \w+\[[\d,?]*\]")
    with_parameters = [i for i, line in enumerate(lines) if pattern.search(line)]
    if not with_parameters:
        return
    at = choose.choice(with_parameters)
    found = pattern.findall(lines[at])
    changed = list(found)
    kind, i = choose.randrange(3), choose.randrange(len(found))
    if kind == 0:
        changed[i] = choose.choice(found)
    elif kind == 1:
        choose.shuffle(changed)
    else:
        changed[i] = f"{found[i].partition(':')[0]}: {choose.choice(found).partition(': ')[2]}"
    following = iter(changed)
    lines[at] = pattern.sub(lambda _: next(following), lines[at])


CHANGES = [
    _swapped_operands, _other_operand, _other_operand, _other_operand, _other_primitive, _other_primitive, _other_number,
    _other_number, _swapped_numbers, _attribute, _items, _other_type, _dtype_everywhere, _extent_everywhere, _extent_everywhere,
    _deleted, _duplicated, _exchanged, _returned, _returned, _parameters,
]  # fmt: skip


def mutated(seed: int) -> str:
    """Return a text of the corpus with one to four changes; in most, types are made to fit them."""
    choose = random.Random(seed)
    lines = choose.choice(corpus()).splitlines()
    for _ in range(choose.choice((1, 1, 2, 2, 3, 4))):
        if lines:
            choose.choice(CHANGES)(choose, lines)
    text = "\n".join(lines) + "\n"
    return _with_fitting_types(text) if choose.random() < 0.8 else text


def _with_fitting_types(text: str) -> str:
    """Correct the types that the parser complains of, as far as they are what is wrong."""
    for _ in range(40):
        try:
            parse(text)
            return text
        except IRSyntaxError as error:
            after = _corrected(text.splitlines(), error)
            if after is None:
                return text
            text = after
        except Exception:
            return text  # for the post-check
    return text


def _corrected(lines: list[str], error: IRSyntaxError) -> str | None:
    before, line, after = lines[: error.line - 1], lines[error.line - 1 : error.line], lines[error.line :]
    if not line:
        return None
    if match := re.match(r"the types of the results, (\(.*\))$", error.expected):
        line[0] = line[0][: error.column - 1] + match[1] + line[0][error.column - 1 + len(error.got) :]
    elif match := re.match(r"the type (.*)$", error.expected):
        target, equals, rest = line[0].partition(" = ")
        line[0] = f"{target.partition(':')[0]}: {match[1]}{equals}{rest}"
    else:
        return None
    return "\n".join([*before, *line, *after]) + "\n"
