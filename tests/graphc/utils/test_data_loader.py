"""The data loader."""

from __future__ import annotations

import graphc as G


def test_data_loader_visits_everything_once() -> None:
    data = G.utils.data.TensorDataset(G.arange(10), G.arange(10) * 2)
    loader = G.utils.data.DataLoader(data, batch_size=4, shuffle=True)
    batches = list(loader)
    assert [len(x) for x, _ in batches] == [4, 4, 2] and len(loader) == 3
    assert sorted(v for x, _ in batches for v in x.tolist()) == list(range(10))
    assert all(G.equal(y, x * 2) for x, y in batches)
    assert len(list(G.utils.data.DataLoader(data, batch_size=4, drop_last=True))) == 2
