"""Products of matrices of bytes."""

from __future__ import annotations

from typing import Any

import graphc as torch

U8 = torch.uint8


def test_products_of_bytes(run: Any) -> None:
    a, b = torch.tensor([[1, 2], [3, 4]], dtype=U8), torch.tensor([[100, 2], [3, 200]], dtype=U8)
    assert run(lambda a, b: a @ b)(a, b).tolist() == [[106, 146], [56, 38]]
    assert run(torch.bmm)(a[None], b[None]).tolist() == [[[106, 146], [56, 38]]]
