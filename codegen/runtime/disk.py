"""Cache compiled programs on disk, so that another process need not compile them again.

An entry is one file, whose name is a hash of everything that its contents depend on: the text or graph, the processor, the
versions of llvmlite and Python, and the source files of the compiler.  It is written under another name and then renamed, so
that any number of processes may read and write at once, and begins with a checksum: what is truncated or corrupt is ignored.
No error of the file system is ever raised.

`GRAPHC_CACHE` names the folder; "0" turns the cache off.  A folder that others may write to is not used: entries are code.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from graphc.codegen.llvm.target import LLVMLITE, host

__all__ = ["MOST_BYTES", "Store", "entries", "folder", "trim"]

MOST_BYTES = 1 << 28
"""The size of all entries beyond which those that were not used for longest are deleted, down to three quarters of it."""

SECONDS = 0.01
"""Less than this time to make an entry, and it is not stored."""

TRIM = 64
"""After so many new entries of a process, and after its first, the size is looked at."""

ABANDONED = 3600
"""Seconds after which a file that was never renamed is deleted."""

ENTRY = re.compile(r"[0-9a-f]{64}\.[a-z]+(\.\d+\.\d+\.new)?")
"""Names of entries; other files in the folder are left alone."""

MAGIC = b"graphc cache 1\n"
DIGEST = 32


def folder() -> Path | None:
    """Return the folder of the cache; None if it is turned off, or if there is no home directory."""
    chosen = os.environ.get("GRAPHC_CACHE")
    if chosen is not None:
        return Path(chosen) if chosen not in ("", "0") else None
    home = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    if not home and os.environ.get("HOME"):
        home = os.path.join(os.environ["HOME"], "Library/Caches" if sys.platform == "darwin" else ".cache")
    return Path(home) / "graphc" if home else None


class Store:
    """The entries of one kind."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.written = 0

    def load(self, key: str) -> bytes | None:
        """Return what was stored for a key; None if there is nothing, or nothing that is intact."""
        path = self._path(key)
        if path is None:
            return None
        try:
            contents = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        start = len(MAGIC) + DIGEST
        data = contents[start:]
        return data if contents[:start] == MAGIC + hashlib.sha256(data).digest() else None

    def store(self, key: str, data: bytes, seconds: float) -> None:
        """Store data that took some seconds to make."""
        path = self._path(key) if seconds >= SECONDS else None
        if path is None:
            return
        temporary = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}.new")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_private(path.parent):
                return
            temporary.write_bytes(MAGIC + hashlib.sha256(data).digest() + data)
            os.replace(temporary, path)
        except OSError:  # no space, no permission
            with contextlib.suppress(OSError):
                temporary.unlink()
            return
        if self.written % TRIM == 0:
            trim(path.parent)
        self.written += 1

    def _path(self, key: str) -> Path | None:
        place = folder()
        try:
            if place is None or (place.exists() and not _is_private(place)):
                return None
            name = hashlib.sha256("\n".join((self.kind, *_environment(), key)).encode()).hexdigest()
        except OSError:
            return None
        return place / f"{name}.{self.kind}"


def _is_private(place: Path) -> bool:
    """Return whether only its owner may write to a folder."""
    if not hasattr(os, "geteuid"):
        return True
    try:
        status = place.stat()
    except OSError:
        return False
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _environment() -> tuple[str, ...]:
    """Return what all entries depend on."""
    target = host()
    return target.triple, target.cpu, target.features, LLVMLITE, sys.version, _sources()


@functools.cache
def _sources() -> str:
    """Return a hash of the names, sizes and times of the compiler's source files."""
    root = Path(__file__).parent.parent.parent
    stats = sorted(_files(str(root / "ir"))) + sorted(_files(str(root / "codegen")))
    return hashlib.sha256(repr(stats).encode()).hexdigest()


def _files(place: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path)
            elif entry.name.endswith(".py"):
                status = entry.stat()
                yield entry.path, status.st_size, status.st_mtime_ns


def entries(place: Path) -> list[tuple[float, int, Path]]:
    """Return the time of the last use, the size and the path of each entry, the oldest first."""
    sizes = []
    with contextlib.suppress(OSError):
        for path in place.iterdir():
            with contextlib.suppress(OSError):
                status = path.stat()
                if ENTRY.fullmatch(path.name):
                    sizes.append((status.st_mtime, status.st_size, path))
    return sorted(sizes)


def trim(place: Path, most: int | None = None) -> None:
    """Delete the entries that were not used for longest if all are larger than `most` bytes, and what was never renamed."""
    bound = MOST_BYTES if most is None else most
    known, now = entries(place), time.time()
    total = sum(size for _, size, _ in known)
    aim = bound * 3 // 4 if total > bound else total
    for used, size, path in known:
        is_abandoned = path.suffix == ".new" and now - used > ABANDONED
        if total > aim or is_abandoned:
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size
