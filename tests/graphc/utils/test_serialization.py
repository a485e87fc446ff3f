"""Tensors in files: what comes back, and what a file may not ask for."""

from __future__ import annotations

import io
import json
import pickle
import random
import tracemalloc
import zipfile
from collections import OrderedDict, defaultdict

import numpy as np
import pytest

import graphc as torch
from graphc import nn


def round_trip(value, **keywords):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, **keywords)


def test_tensors_come_back_with_dtype_shape_and_requires_grad():
    for dtype in (torch.float32, torch.float64, torch.int32, torch.int64, torch.uint8, torch.bool):
        x = round_trip(torch.tensor([[0, 1], [2, 3]]).to(dtype))
        assert x.dtype is dtype and x.tolist() == torch.tensor([[0, 1], [2, 3]]).to(dtype).tolist()
    w = round_trip({"w": [torch.ones(0, 2, requires_grad=True), 3, "name", None, np.float32(2)]})["w"]
    assert w[0].requires_grad and w[0].is_leaf and w[0].shape == (0, 2) and w[1:] == [3, "name", None, 2]


def test_a_model_and_its_optimizer_go_on_where_they_stopped(tmp_path):
    def train(model, optimizer, steps):
        x = torch.tensor([[1.0, -2.0], [0.5, 3.0]])
        for _ in range(steps):
            optimizer.zero_grad()
            (model(x) - 1).square().mean().backward()
            optimizer.step()
        return [p.tolist() for p in model.parameters()]

    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    train(model, optimizer, 2)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "state.pt")
    expected = train(model, optimizer, 2)

    state = torch.load(tmp_path / "state.pt", map_location="cpu")
    assert isinstance(state["model"], OrderedDict)
    again = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    other = torch.optim.Adam(again.parameters(), lr=1.0)
    again.load_state_dict(state["model"])
    other.load_state_dict(state["optimizer"])
    assert train(again, other, 2) == expected


class Asks:
    def __reduce__(self):
        return (print, ("code of the file's choice",))


def test_a_file_runs_no_code_unless_it_is_trusted(capsys):
    with pytest.raises(pickle.UnpicklingError, match=r"tensors, arrays, numbers .* got builtins.print"):
        round_trip(Asks())
    assert capsys.readouterr().out == ""
    round_trip(Asks(), weights_only=False)
    assert capsys.readouterr().out == "code of the file's choice\n"
    with pytest.raises(pickle.UnpicklingError, match=r"got graphc\.nn\.layers\.linear\.Linear"):
        round_trip(nn.Linear(1, 1))
    assert round_trip(nn.Linear(1, 2), weights_only=False).weight.shape == (2, 1)


FORMER = {
    "graphc.nn.activation": nn.LeakyReLU(0.5),
    "graphc.nn.containers": nn.Sequential(),
    "graphc.nn.convolution": nn.AvgPool2d(2),
    "graphc.nn.layers": nn.Linear(2, 2),
    "graphc.nn.losses": nn.HuberLoss(),
    "graphc.nn.module": nn.Module(),
    "graphc.tensor": torch.ones(2),
    "graphc.dtypes": torch.Size((2, 3)),
}
"""Modules that older pickles name, each with a value whose class it defined once."""


@pytest.mark.parametrize("module", FORMER)
def test_older_pickles_name_classes_by_the_modules_that_defined_them(module):
    value = FORMER[module]
    now, before = (f"c{m}\n".encode() for m in (type(value).__module__, module))
    data = pickle.dumps(value, 0)
    assert now in data and before not in data
    again = torch.load(io.BytesIO(data.replace(now, before)), weights_only=False)
    assert type(again) is type(value) and repr(again) == repr(value)


def test_older_pickles_of_devices():
    data = pickle.dumps(torch.device("cpu"), 2)
    now, before = b"cgraphc.tensors.devices\n", b"cgraphc.tensors.tensor\n"
    assert now in data and pickle.loads(data.replace(now, before)) == torch.device("cpu")


def test_there_is_no_other_device():
    assert not torch.cuda.is_available() and torch.cuda.device_count() == 0
    with pytest.raises(RuntimeError, match="cpu, which is the only one"):
        round_trip(torch.ones(1), map_location="cuda")


OLD = [0, 1, 2, 3, 4, 5]
"""The protocols of the pickles that `save` wrote before it wrote safetensors."""


def everything():
    """An object of every type that a file may hold, but for those that protocols below 2 spell through copyreg."""
    shared = [1, 2]
    weight = nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    return {
        "numbers": [None, True, 1, -(2**70), 2.5, float("inf"), 1j, np.float32(3.5), np.int64(-2)],
        "text": ["näme", "\ud800", b"\x00\xff", bytearray(b"b")],
        "containers": (shared, shared, {1, 2}, frozenset([3]), OrderedDict(b=1, a=2), range(1, 9, 2), slice(None, 2)),
        "arrays": [np.arange(6.0).reshape(2, 3).T, np.array(["a", "bcd"]), np.zeros((0, 2), np.int8), np.array(7, ">i4")],
        ("key", (1, 2.5)): [weight, torch.tensor([True, False]), torch.tensor(3, dtype=torch.uint8)],
        "default": defaultdict(list, {"a": [1]}),
    }


def shown(value):
    """Return a text that tells values, types, order and dtypes apart."""
    if isinstance(value, torch.Tensor):
        return f"{type(value).__name__} {value.dtype} {value.requires_grad} {value.tolist()}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype.newbyteorder('=')} {value.shape} {value.tolist()}"
    if isinstance(value, dict):
        return f"{type(value).__name__} {[(shown(k), shown(v)) for k, v in value.items()]}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__} {[shown(v) for v in value]}"
    return f"{type(value).__name__} {value!r}"


@pytest.mark.parametrize("protocol", [None, *OLD])
def test_all_types_come_back_from_the_new_format_and_the_old_one(protocol):
    file = io.BytesIO()
    torch.save(everything(), file, pickle_protocol=protocol)
    assert file.getvalue().startswith(b"\x80") is (protocol is not None and protocol > 1)
    file.seek(0)
    found = torch.load(file)
    assert shown(found) == shown(everything())
    assert found["containers"][0] is found["containers"][1]
    assert found["default"]["new"] == []


@pytest.mark.parametrize("weights_only", [True, False])
def test_files_that_name_modules_as_they_were_called_before(weights_only):
    file = io.BytesIO()
    torch.save([nn.Parameter(torch.ones(2)), torch.Size([3])], file, pickle_protocol=2)
    old = file.getvalue().replace(b"graphc.tensors.tensor", b"graphc.tensor").replace(b"graphc.core.dtypes", b"graphc.dtypes")
    assert old != file.getvalue()
    weight, size = torch.load(io.BytesIO(old), weights_only=weights_only)
    assert type(weight) is nn.Parameter and weight.tolist() == [1.0, 1.0] and size == torch.Size([3])


def test_what_is_shared_stays_shared():
    loop: list = [1]
    loop.append((loop, {"self": loop}))
    found = round_trip(loop)
    assert found[1][0] is found and found[1][1]["self"] is found
    model = nn.Linear(2, 2)
    tied = {"a": model.weight, "b": model.weight, "c": model.weight.detach(), "d": model.weight.detach().T}
    found = round_trip(tied)
    assert found["a"] is found["b"] and type(found["a"]) is nn.Parameter and type(found["c"]) is torch.Tensor
    with torch.no_grad():
        found["c"].fill_(7.0)
    assert found["a"].tolist() == [[7.0, 7.0]] * 2
    buffer = round_trip(nn.Buffer(torch.ones(1), persistent=False))
    owner = nn.Module()
    owner.b = buffer
    assert list(owner.state_dict()) == [] and owner.b is buffer
    assert round_trip([torch.float64, torch.Size([2, 0]), torch.device("cpu")])[:2] == [torch.float64, torch.Size([2, 0])]


def test_objects_one_after_another_in_one_file():
    file = io.BytesIO()
    for value in ([1], {"w": torch.ones(2)}, nn.ReLU()):
        torch.save(value, file)
    file.seek(0)
    assert torch.load(file) == [1] and torch.load(file)["w"].tolist() == [1.0, 1.0]
    assert isinstance(torch.load(file, weights_only=False), nn.ReLU)
    with pytest.raises(EOFError):
        torch.load(file)


def test_the_safetensors_package_reads_and_writes_the_same_files():
    safetensors = pytest.importorskip("safetensors.numpy")
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    found = safetensors.load(file.getvalue())
    assert {k: v.tolist() for k, v in found.items()} == {k: v.tolist() for k, v in model.state_dict().items()}
    theirs = safetensors.save({"x": np.arange(3.0), "flags": np.array([True]), "none": np.zeros((2, 0), np.int64)})
    found = torch.load(io.BytesIO(theirs))
    assert found["x"].dtype is torch.float64 and found["flags"].tolist() == [True] and found["none"].shape == (2, 0)


def safetensors_file(header, data=b"", length=None):
    text = json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def structured(objects, root=(0,), **arrays):
    text = json.dumps({"format": 1, "root": list(root), "objects": objects})
    return safetensors_file({"__metadata__": {"graphc": text}, **arrays}, bytes(16))


def entry(dtype="F32", shape=(4,), offsets=(0, 16)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


DEEP = [["tuple", []], *(["tuple", [[n], [n]]] for n in range(60))]
DAMAGED = {
    "header longer than the file": safetensors_file({"x": entry()}, bytes(16), 2**40),
    "bytes beyond the end": safetensors_file({"x": entry(offsets=(0, 2**40), shape=(2**38,))}, bytes(16)),
    "hole": safetensors_file({"x": entry(offsets=(4, 20))}, bytes(20)),
    "overlap": safetensors_file({"x": entry(), "y": entry(offsets=(8, 24))}, bytes(24)),
    "negative": safetensors_file({"x": entry(offsets=(-16, 0))}, bytes(16)),
    "shape and bytes differ": safetensors_file({"x": entry(shape=(5,))}, bytes(16)),
    "size that overflows": safetensors_file({"x": entry(shape=(2**32, 2**32, 0), offsets=(0, 0))}),
    "negative size": safetensors_file({"x": entry(shape=(-4, -1))}, bytes(16)),
    "half": safetensors_file({"x": entry(dtype="F16", shape=(8,))}, bytes(16)),
    "unknown dtype": safetensors_file({"x": entry(dtype="O")}, bytes(16)),
    "deep JSON": b"\x00\x00\x01\x00\x00\x00\x00\x00" + b'{"a":' + b"[" * 65531,
    "no such object": structured([["list", [[7]]]]),
    "object of pointers": structured([["array", ["x", "|O8", [2]]]], x=entry("U8", (16,))),
    "object beyond the bytes": structured([["array", ["x", "<f8", [2**40]]]], x=entry("U8", (16,))),
    "text beyond Unicode": structured([["scalar", ["<U1", "/////w=="]]]),
    "tuple of itself": structured([["tuple", [[0]]]]),
    "unknown kind": structured([["call", ["os.system", "true"]]]),
    "costly key": structured([["dict", [[[61], 1]]], *[[k, [[r[0] + 1] for r in c]] for k, c in DEEP]]),
    "list as key": structured([["dict", [[[0], 1]]]]),
    "gradient of integers": structured([["tensor", ["x", {"requires_grad": True}]]], x=entry("I32")),
    "pickled object array": pickle.dumps(np.array([None, 1], object)),
    "pickled object pointers": pickle.dumps(np.zeros(1), 2).replace(b"f8", b"O8"),
    "pickled array too large": pickle.dumps(np.zeros(3), 2).replace(b"K\x03\x85", b"K\x7f\x85"),
    "pickled name as value": pickle.dumps(list, 2),
    "pickled extension": b"\x80\x02\x82\x01.",
    "pickled memo out of nothing": b"\x80\x02h\x05.",
    "pickled nothing": b"\x80\x02.",
    "pickled length": b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f" + b"abc.",
    "neither": b"hello, world",
    "zip of nothing": b"PK\x03\x04" + bytes(50),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_damaged_files_are_refused_by_a_documented_error(data):
    with pytest.raises(pickle.UnpicklingError):
        torch.load(io.BytesIO(data))


def test_booleans_of_a_file_are_0_or_1():
    file = safetensors_file({"x": entry("BOOL", (4,), (0, 4))}, b"\x00\x01\x02\xff")
    assert torch.load(io.BytesIO(file))["x"].sum().item() == 3


def torch_file(pickled, storages, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/byteorder", "little")
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)
    return file.getvalue()


def text(value):
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def stored(kind="FloatStorage", offset=0, sizes=b"K\x02K\x03\x86", strides=b"K\x03K\x01\x86", count=6, grad=b"\x89"):
    """Return the opcodes with which torch writes a tensor."""
    storage = b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text("0") + text("cpu") + bytes([75, count]) + b"tQ"
    hooks = b"ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + bytes([75, offset]) + sizes + strides + grad + hooks + b"tR"


def state_dict(**tensors):
    items = b"".join(text(name) + opcodes for name, opcodes in tensors.items())
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + items + b"u."


SIX = np.arange(6, dtype="<f4").tobytes()


def test_a_file_of_torch_is_read():
    pickled = state_dict(
        weight=stored(), tied=stored(), turned=stored(sizes=b"K\x03K\x02\x86", strides=b"K\x01K\x03\x86"),
        row=stored(offset=3, sizes=b"K\x03\x85", strides=b"K\x01\x85", grad=b"\x88"),
        repeated=stored(offset=2, sizes=b"K\x04\x85", strides=b"K\x00\x85"),
        windows=stored(sizes=b"K\x02K\x02\x86", strides=b"K\x01K\x01\x86"),
    )  # fmt: skip
    found = torch.load(io.BytesIO(torch_file(pickled, {"0": SIX})))
    assert isinstance(found, OrderedDict) and found["weight"].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert found["turned"].tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]] and found["repeated"].tolist() == [2.0] * 4
    assert found["row"].requires_grad and found["row"].is_leaf and found["windows"].tolist() == [[0.0, 1.0], [1.0, 2.0]]
    with torch.no_grad():
        found["weight"][1, 0] = 9.0
    assert found["tied"][1].tolist() == found["row"].tolist() == [9.0, 4.0, 5.0] and found["turned"][0].tolist() == [0.0, 9.0]


TORCH_DAMAGED = {
    "beyond the storage": torch_file(state_dict(x=stored(offset=1)), {"0": SIX}),
    "stride beyond the storage": torch_file(state_dict(x=stored(strides=b"K\x7fK\x01\x86")), {"0": SIX}),
    "rank": torch_file(state_dict(x=stored(sizes=b"K\x06\x85")), {"0": SIX}),
    "count": torch_file(state_dict(x=stored(count=7)), {"0": SIX}),
    "missing storage": torch_file(state_dict(x=stored()), {"1": SIX}),
    "half": torch_file(state_dict(x=stored("HalfStorage")), {"0": SIX}),
    "compressed": torch_file(state_dict(x=stored()), {"0": SIX}, zipfile.ZIP_DEFLATED),
    "code": torch_file(b"\x80\x02cos\nsystem\n" + text("true") + b"\x85R.", {}),
    "no pickle": b"PK\x05\x06" + bytes(18),
}


@pytest.mark.parametrize("data", TORCH_DAMAGED.values(), ids=TORCH_DAMAGED)
def test_damaged_files_of_torch_are_refused(data):
    with pytest.raises(pickle.UnpicklingError):
        torch.load(io.BytesIO(data))


def mutated(data, rng):
    """Return a copy of some bytes with some changed, removed, inserted, moved or set to the largest numbers."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8])):
        i, j, how = rng.randrange(len(data)), rng.randrange(len(data)), rng.randrange(5)
        if how == 0:
            data[i] = rng.randrange(256)
        elif how == 1:
            del data[i : i + rng.randrange(1, 12)]
        elif how == 2:
            data[i:i] = rng.randbytes(rng.randrange(1, 9))
        elif how == 3:
            data[i : i + 8] = data[j : j + 8]
        else:
            data[i : i + 8] = rng.choice([2**31 - 1, 2**40, 2**63 - 1, 2**64 - 1]).to_bytes(8, "little")
        data = data or bytearray(b"x")
    return bytes(data)


def test_thousands_of_mutated_files_load_or_raise_a_documented_error():
    rng, loaded = random.Random(5), 0
    pickled = state_dict(weight=stored(), row=stored(offset=3, sizes=b"K\x03\x85", strides=b"K\x01\x85"))
    files = []
    for protocol in (None, 0, 2, 4, 5):
        file = io.BytesIO()
        torch.save(everything(), file, pickle_protocol=protocol)
        files.append(file.getvalue())
    tracemalloc.start()
    try:
        for n in range(3000):
            which = n % 7
            data = mutated(files[which] if which < 5 else pickled if which == 5 else torch_file(pickled, {"0": SIX}), rng)
            data = torch_file(data, {"0": SIX}) if which == 5 else data
            try:
                repr(torch.load(io.BytesIO(data)))
                loaded += 1
            except (pickle.UnpicklingError, EOFError):
                pass
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert 50 < loaded < 2000


def test_files_that_torch_writes_load_here():
    theirs = pytest.importorskip("torch")
    model = theirs.nn.Sequential(theirs.nn.Linear(4, 8), theirs.nn.BatchNorm1d(8), theirs.nn.Linear(8, 1))
    optimizer = theirs.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def step(module, optimizer, x):
        optimizer.zero_grad()
        module(x).square().sum().backward()
        optimizer.step()

    rows = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    step(model, optimizer, theirs.from_numpy(rows))
    file = io.BytesIO()
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    theirs.save({**state, "epoch": 3, "b": theirs.nn.Buffer(theirs.ones(1))}, file)
    file.seek(0)
    found = torch.load(file)
    ours = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
    same = torch.optim.SGD(ours.parameters(), lr=1.0)
    ours.load_state_dict(found["model"])
    same.load_state_dict(found["optimizer"])
    step(model, optimizer, theirs.from_numpy(rows))
    step(ours, same, torch.tensor(rows))
    for p, q in zip(model.parameters(), ours.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-4, atol=1e-5)
    assert found["epoch"] == 3 and found["b"].tolist() == [1.0]
