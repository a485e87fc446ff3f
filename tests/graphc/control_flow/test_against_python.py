"""Control-flow programs against Python's own loops: those that were wrong once, and a few random ones."""

from __future__ import annotations

import pytest

from tests.fuzz.loop_programs import LoopProgram, Var, draw
from tests.fuzz.loops import MODES, Skip, check, failure, minimize

FORMER = {
    "carried as it came, with lanes": (
        """
def f(xp, a, b, n):
    v = xp.exp(-xp.abs(a))
    def same(i, c):
        return c
    p, q = xp.fori_loop(2, 3, same, (v, 1.0 / (v * v + 1.0)))
    def test(i, c, d):
        return (i < 1) & (c.sum() > -1000.0)
    def body(i, c, d):
        return (i + 1, q + xp.amax(b, 0), n)
    (i, c, d) = xp.while_loop(test, body, (n % 3, a, n))
    return (d, c)
""",
        [Var("a", "f", (3, 17)), Var("b", "f", (17,)), Var("n", "i", ())],
    ),
    "carried and never read": (
        """
def f(xp, a):
    def body(c, x):
        (u, v) = c
        return (xp.tanh(xp.roll(u, 12, 0)), a + x[0]), (a[3], a[3])
    (u, v), (p, q) = xp.scan(body, (a, a), (a,))
    return (u, v, p, q)
""",
        [Var("a", "f", (17,))],
    ),
}


@pytest.mark.parametrize("name", FORMER)
@pytest.mark.parametrize("mode", MODES)
def test_former_failures(name, mode):
    text, params = FORMER[name]
    for seed in range(3):
        found = failure(LoopProgram(text, params, "float64", seed), mode)
        assert found is None, found


@pytest.mark.parametrize("seed", range(24))
def test_random_programs(seed):
    for mode in (list(MODES)[seed % 5], list(MODES)[5 + seed % 7]):
        found = failure(draw(seed), mode)
        assert found is None, f"{mode}\n{draw(seed).text}\n{found}"


def test_a_program_is_its_seed():
    assert all(draw(seed).text == draw(seed).text for seed in range(20))
    assert len({draw(seed).text for seed in range(20)}) == 20


WRONG = "def f(xp, a):\n    b = xp.sin(a)\n    c = xp.where(a > 0, a, b)\n    d = xp.cos(b)\n    return (c, d)\n"


def test_what_is_wrong_is_found_and_made_small(monkeypatch):
    program = LoopProgram(WRONG, [Var("a", "f", (5,))], "float64", 0)
    assert check(program, "compiled") is None
    reference, made, *rest = MODES["compiled"]
    monkeypatch.setitem(MODES, "compiled", (lambda p: [x + 1 for x in reference(p)], made, *rest))
    assert "5 of 5 elements differ" in str(check(program, "compiled"))
    assert "d = " in minimize(program, "compiled").text


def test_what_depends_on_a_rounding_is_skipped():
    text = "def f(xp, a):\n    return (xp.where(a * 0.0 + 1.0 / 3.0 < a * 0.0 + (1.0 - 2.0 / 3.0), a, -a), xp.sin(a * 1e18))\n"
    with pytest.raises(Skip):
        check(LoopProgram(text, [Var("a", "f", (5,))], "float64", 0), "eager")
