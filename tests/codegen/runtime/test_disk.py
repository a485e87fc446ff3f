"""The cache of compiled programs on disk."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.codegen.program import specialize
from graphc.codegen.runtime import disk, engine, tiers
from graphc.codegen.runtime.disk import Store, entries, folder, trim


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cache in a folder of the test, whatever time it took."""
    monkeypatch.setenv("GRAPHC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(disk, "SECONDS", 0.0)
    return tmp_path / "cache"


def only_file(place: Path) -> Path:
    (path,) = place.iterdir()
    return path


# -- entries --------------------------------------------------------------------------------------------------------------


def test_what_is_stored_is_loaded(place: Path) -> None:
    store = Store("object")
    assert store.load("key") is None
    store.store("key", b"data", 1.0)
    assert store.load("key") == b"data" and Store("object").load("key") == b"data"
    assert store.load("other") is None and Store("program").load("key") is None
    store.store("key", b"", 1.0)
    assert store.load("key") == b"" and len(list(place.iterdir())) == 1


def test_what_took_little_time_is_not_stored(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "SECONDS", 0.01)
    Store("object").store("key", b"data", 0.009)
    assert not place.exists()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda contents: contents[:-1],
    "empty": lambda contents: b"",
    "only a header": lambda contents: contents[: len(disk.MAGIC)],
    "longer": lambda contents: contents + b"x",
    "another version": lambda contents: contents.replace(b"cache 1", b"cache 0"),
    "a bit of data": lambda contents: contents[:-2] + bytes([contents[-2] ^ 1]) + contents[-1:],
    "a bit of the checksum": lambda contents: contents[:20] + bytes([contents[20] ^ 1]) + contents[21:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_ignored_and_replaced(damage: str, place: Path) -> None:
    store = Store("object")
    store.store("key", b"some data", 1.0)
    path = only_file(place)
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert store.load("key") is None
    store.store("key", b"some data", 1.0)
    assert store.load("key") == b"some data"


def test_it_may_be_turned_off(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for off in ("0", ""):
        monkeypatch.setenv("GRAPHC_CACHE", off)
        Store("object").store("key", b"data", 1.0)
        assert folder() is None and Store("object").load("key") is None and not place.exists()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="other folders")
def test_the_folder_is_that_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRAPHC_CACHE")
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert folder() == Path("/home/ada/.cache/graphc")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/ada")
    assert folder() == Path("/var/ada/graphc")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    assert folder() is None


def test_entries_of_other_processors_versions_and_compilers_are_not_found(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, here = Store("object"), disk.host()
    store.store("key", b"data", 1.0)
    for other in (replace(here, cpu="other"), replace(here, features="+other"), replace(here, triple="other")):
        monkeypatch.setattr(disk, "host", lambda other=other: other)
        assert store.load("key") is None
    monkeypatch.setattr(disk, "host", lambda: here)
    assert store.load("key") == b"data"
    with monkeypatch.context() as patch:
        patch.setattr(disk, "LLVMLITE", "0.1")
        assert store.load("key") is None
    monkeypatch.setattr(disk, "_sources", lambda: "changed")
    assert store.load("key") is None


def test_the_sources_are_those_of_the_compiler() -> None:
    root = Path(disk.__file__).parent.parent.parent
    names = {Path(path).name for path, *_ in [*disk._files(str(root / "ir")), *disk._files(str(root / "codegen"))]}
    assert {"engine.py", "pipeline.py", "disk.py", "algebra.py"} <= names


def fails(*args: Any, **kwargs: Any) -> Any:
    raise OSError(errno.ENOSPC, "no space left on device")


@pytest.mark.parametrize("call", ["replace", "utime", "scandir"])
def test_errors_of_the_file_system_are_harmless(call: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, call, fails)
    disk._sources.cache_clear()
    Store("object").store("key", b"data", 1.0)
    assert Store("object").load("key") is None
    assert call != "replace" or list(place.iterdir()) == []  # nothing half written stays
    disk._sources.cache_clear()


def test_a_folder_that_cannot_be_made_is_harmless(place: Path) -> None:
    place.write_text("a file")
    Store("object").store("key", b"data", 1.0)
    assert Store("object").load("key") is None and place.read_text() == "a file"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no such permissions here")
def test_a_folder_that_others_may_write_to_is_not_used(place: Path) -> None:
    store = Store("object")
    store.store("key", b"data", 1.0)
    place.chmod(0o777)
    assert store.load("key") is None
    store.store("other", b"data", 1.0)
    assert len(list(place.iterdir())) == 1
    place.chmod(0o700)
    assert store.load("key") == b"data"


def test_the_oldest_entries_are_deleted_beyond_a_size(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store("object")
    for i in range(8):
        store.store(f"key {i}", bytes(1000), 1.0)
    for age, (_, _, path) in enumerate(entries(place)):
        os.utime(path, (1000 + age, 1000 + age))
    (place / "note.txt").write_text("of the user")
    first = entries(place)[0][2]
    os.utime(first)  # used last
    trim(place, 9 * 1100)
    assert len(entries(place)) == 8
    trim(place, 4400)
    assert len(entries(place)) == 3 and first.exists() and (place / "note.txt").exists()
    monkeypatch.setattr(disk, "MOST_BYTES", 2200)
    Store("object").store("another", bytes(1000), 1.0)  # the first of a process looks
    assert len(entries(place)) == 1


def test_files_that_were_never_renamed_are_deleted_later(place: Path) -> None:
    Store("object").store("key", b"data", 1.0)
    new, old = (place / f"{'0' * 64}.object.{i}.7.new" for i in (1, 2))
    for path in (new, old):
        path.write_bytes(b"part")
    os.utime(old, (1000, 1000))
    trim(place)
    assert new.exists() and not old.exists() and len(entries(place)) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process")
def test_32_processes_may_use_it_at_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "MOST_BYTES", 200_000)
    monkeypatch.setattr(disk, "TRIM", 4)
    children = []
    for _ in range(32):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                store = Store("object")
                for i in range(60):
                    wanted = bytes([i % 20]) * 10_000
                    data = store.load(f"key {i % 20}")
                    assert data is None or data == wanted
                    store.store(f"key {i % 20}", wanted, 1.0)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 32
    assert all(path.suffix == ".object" for path in place.iterdir())


# -- programs -------------------------------------------------------------------------------------------------------------


def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget everything but what is on disk."""
    monkeypatch.setattr(specialize, "_structures", specialize.new_cache())
    monkeypatch.setattr(tiers, "_code", tiers.new_cache())
    specialize.counts.clear()


def loss(scale: float) -> Any:
    return torch.compile(torch.func.grad(lambda w, x: (torch.tanh(x @ w) * scale).sum()))


W, X = np.linspace(-1, 1, 600).reshape(30, 20).astype(np.float32), np.linspace(0, 2, 1500).reshape(50, 30).astype(np.float32)


def test_another_process_compiles_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    another_process(monkeypatch)
    first = loss(3.25)(W, X)
    assert specialize.counts["written"] == 1 and not specialize.counts["loaded"]
    another_process(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "_object", fails)
        second = loss(3.25)(W, X)
    assert specialize.counts["loaded"] == 1
    np.testing.assert_array_equal(first, second)


def test_other_numbers_sizes_and_layouts_are_other_programs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    another_process(monkeypatch)
    loss(3.25)(W, X)
    for scale, x in ((4.25, X), (3.25, X[:40]), (3.25, np.asfortranarray(X))):
        another_process(monkeypatch)
        got = loss(scale)(W, x)
        assert not specialize.counts["loaded"]
        np.testing.assert_allclose(got, x.T @ (scale * (1 - np.tanh(x @ W) ** 2)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("damage", ["truncated", "a bit of data"])
def test_damaged_programs_are_compiled_again(damage: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    another_process(monkeypatch)
    first = loss(3.25)(W, X)
    for path in place.iterdir():
        path.write_bytes(DAMAGE[damage](path.read_bytes()))
    another_process(monkeypatch)
    np.testing.assert_array_equal(loss(3.25)(W, X), first)
    assert not specialize.counts["loaded"]


def test_a_program_that_cannot_be_read_is_written_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    another_process(monkeypatch)
    first = loss(3.25)(W, X)
    another_process(monkeypatch)
    monkeypatch.setattr(specialize.pickle, "loads", lambda data: "something else")
    np.testing.assert_array_equal(loss(3.25)(W, X), first)
    assert not specialize.counts["loaded"]


def test_a_process_of_its_own_finds_what_another_has_stored(place: Path) -> None:
    script = """
import numpy as np
import graphc as torch
from graphc.codegen.program import specialize
from graphc.codegen.runtime import disk
disk.SECONDS = 0.0
x = np.linspace(0, 2, 1500).reshape(50, 30)
f = torch.compile(lambda x: torch.softmax(x @ x.T, 1).sum(0))
print(np.asarray(f(x)).tobytes().hex(), specialize.counts["loaded"])
"""
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2)
    ]
    assert [count for _, count in runs] == ["0", "1"] and runs[0][0] == runs[1][0]
