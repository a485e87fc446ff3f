"""The number of threads to begin with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from graphc.codegen.threads.thread_count import VARIABLE, allowed, default_threads, quotas


def put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, " 3 ")
    assert default_threads() == 3
    monkeypatch.setenv(VARIABLE, "")
    assert default_threads() == allowed()
    for bad in ("0", "-1", "two", "1025", "1.5"):
        monkeypatch.setenv(VARIABLE, bad)
        with pytest.raises(ValueError, match="GRAPHC_NUM_THREADS is a number from 1 to 1024"):
            default_threads()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity")
def test_affinity() -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert allowed() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_quotas_of_all_cgroups_around(tmp_path: Path) -> None:
    put(tmp_path / "membership", "0::/a/b\n")
    put(tmp_path / "a/b/cpu.max", "max 100000\n")
    put(tmp_path / "a/cpu.max", "250000 100000\n")
    assert list(quotas(tmp_path, tmp_path / "membership")) == [3]


def test_quotas_of_the_first_version(tmp_path: Path) -> None:
    put(tmp_path / "membership", "5:memory:/a\n4:cpu,cpuacct:/a\n")
    put(tmp_path / "cpu/a/cpu.cfs_quota_us", "-1\n")
    put(tmp_path / "cpu/a/cpu.cfs_period_us", "100000\n")
    put(tmp_path / "cpu/cpu.cfs_quota_us", "50000\n")
    put(tmp_path / "cpu/cpu.cfs_period_us", "100000\n")
    assert list(quotas(tmp_path, tmp_path / "membership")) == [1]


def test_a_container_sees_its_own_cgroup_as_the_root(tmp_path: Path) -> None:
    put(tmp_path / "membership", "0::/../outside\n")
    put(tmp_path / "cpu.max", "200000 100000\n")
    assert list(quotas(tmp_path, tmp_path / "membership")) == []
    put(tmp_path / "membership", "0::/\n")
    assert list(quotas(tmp_path, tmp_path / "membership")) == [2]


def test_no_cgroups(tmp_path: Path) -> None:
    assert list(quotas(tmp_path, tmp_path / "nothing")) == []
