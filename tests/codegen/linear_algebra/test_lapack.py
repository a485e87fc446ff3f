"""Routines of LAPACK in programs: no address in the text, symbols that are found when it is loaded."""

from __future__ import annotations

import numpy as np

import graphc
from graphc.codegen.linear_algebra.lapack import address_of, routines_in


def test_programs_name_routines() -> None:
    program = graphc.compile(lambda x: (graphc.linalg.svdvals(x), graphc.linalg.eigvalsh(x), graphc.linalg.qr(x).R))
    x = np.random.default_rng(0).standard_normal((12, 12)).astype(np.float32)
    text = program.lower(x).llvm_ir(optimized=False)
    assert [routine for _, routine in routines_in(text)] == ["sgelqf", "sgesdd", "sorglq", "ssyevd"]
    assert str(address_of("sgesdd")) not in text
    np.testing.assert_allclose(program(x)[0], np.linalg.svd(x)[1], rtol=1e-4, atol=1e-5)


def test_one_program_for_several_sizes() -> None:
    program = graphc.compile(lambda x: graphc.linalg.svd(x, full_matrices=False))
    for m, n in ((12, 9), (20, 10), (33, 17), (9, 40), (10, 30), (11, 50)):
        x = np.random.default_rng(m).standard_normal((m, n))
        u, s, vh = program(x)
        np.testing.assert_allclose((u * s) @ vh, x, atol=1e-12)
