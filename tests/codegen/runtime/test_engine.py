"""Loading of machine code: in a process whose free memory lies far apart."""

from __future__ import annotations

import subprocess
import sys

import pytest

from graphc.codegen.runtime import system_memory

FAR_APART = """
import ctypes, math
import graphc

libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
PRIVATE_ANONYMOUS_NORESERVE, GIGABYTE, PAGE = 0x4022, 1 << 30, 4096

def reserve(size):
    return libc.mmap(None, size, 0, PRIVATE_ANONYMOUS_NORESERVE, -1, 0)

x = graphc.tensor([0.5, 1.0, 2.0])
graphc.compile(lambda x: x + 1)(x)
block = reserve(12 * GIGABYTE)
for _ in range(40_000):  # fill the pages that are free above the block
    if reserve(PAGE) < block:
        break
for i in range(4):  # free single pages, three gigabytes apart: the next mappings of a page go there
    libc.munmap(block + 12 * GIGABYTE - (1 << 20) - 3 * i * GIGABYTE, PAGE)
for i in range(6):
    y = graphc.compile(lambda x: graphc.sin(x) * graphc.exp(x) + i)(x)
    assert abs(y[0].item() - (math.sin(0.5) * math.exp(0.5) + i)) < 1e-6
print("loaded")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="maps memory as Linux does")
def test_code_and_constants_are_loaded_near_one_another() -> None:
    done = subprocess.run([sys.executable, "-c", FAR_APART], capture_output=True, text=True)
    assert done.stdout.split() == ["loaded"], done.stderr[-1000:]


@pytest.mark.skipif(sys.platform != "linux", reason="maps memory as Linux does")
def test_places_out_of_reach_are_filled_for_the_block_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    system = system_memory.Posix()
    system.reach = -(1 << 62)  # every place counts as too far
    served: dict[int, int] = {}

    def first_hundred(nbytes: int, access: int = 3) -> int:
        address = plain(nbytes, access) if len(served) < 100 else 0
        served[address] = nbytes
        return address

    plain, cut = system._map, system._cut
    monkeypatch.setattr(system, "_map", first_hundred)
    monkeypatch.setattr(system, "_cut", lambda start, nbytes: (nbytes and served.pop(start), cut(start, nbytes)))
    with system.within_reach(1 << 20):
        assert len(served) > 50
    served.pop(0, None)
    assert not served
