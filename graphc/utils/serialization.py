"""Save objects to files and load them: `save` and `load`.

`save` writes safetensors, with the structure around the tensors as JSON (graphc.utils.file_format); an object that holds
more than tensors, arrays, numbers and containers, such as a whole module, is pickled. `load` reads both, and torch's
files, and runs no code of the file unless told that it is trusted.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from os import PathLike
from struct import error as StructError
from typing import IO, Any

from graphc.ops.create.fill import check_device
from graphc.utils.file_format import Unsupported
from graphc.utils.file_reader import decode
from graphc.utils.file_writer import encode
from graphc.utils.rebuild import Budget, Storage, array_of, damaged
from graphc.utils.safe_calls import MOVED, Elements
from graphc.utils.safe_pickle import unpickled

__all__ = ["load", "save"]

File = str | PathLike[str] | IO[bytes]

ZIP = b"PK\x03\x04"
OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The first bytes of a file of torch before 1.6."""


def save(obj: Any, f: File, pickle_module: Any = None, pickle_protocol: int | None = None) -> None:
    """Write an object to a file.

    Tensors, arrays, numbers, text and containers of them are written as safetensors, the names of a state_dict being
    those of the arrays. Other objects are pickled: `graphc.load` reads them with weights_only=False.

    Args:
        obj: the object.
        f: path, or file open for writing bytes.
        pickle_module: module that pickles; if given, the object is always pickled.
        pickle_protocol: int, the pickle protocol; if given, the object is always pickled.

    Raises:
        OSError: if the file cannot be written.

    Example:
        >>> from io import BytesIO
        >>> file = BytesIO()
        >>> graphc.save({"w": graphc.ones(2)}, file)
        >>> _ = file.seek(0)
        >>> graphc.load(file)
        {'w': tensor([1., 1.])}
    """
    if isinstance(f, (str, PathLike)):
        with open(f, "wb") as file:
            save(obj, file, pickle_module, pickle_protocol)
        return
    if pickle_module is None and pickle_protocol is None:
        try:
            pieces = encode(obj)
        except Unsupported:
            pass
        else:
            for piece in pieces:
                f.write(piece)
            return
    module = pickle if pickle_module is None else pickle_module
    module.dump(obj, f, protocol=pickle.DEFAULT_PROTOCOL if pickle_protocol is None else pickle_protocol)


def load(f: File, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool = True, mmap: Any = None) -> Any:
    """Read an object that `graphc.save` or `torch.save` wrote.

    A file open for reading is left at the end of the object, so that several can follow each other.

    Args:
        f: path, or file open for reading bytes.
        map_location: None or "cpu".
        pickle_module: module whose Unpickler reads a pickle; only with weights_only=False.
        weights_only: whether only tensors, arrays, numbers and containers are accepted, and no code of the file runs. False
            runs a pickle, which may do anything: only for files that you trust.
        mmap: accepted and ignored.

    Returns:
        The object.

    Raises:
        pickle.UnpicklingError: if the file is damaged, holds anything else with weights_only, or was written by torch
            before 1.6.
        EOFError: if the file is empty.
        RuntimeError: if map_location is not the CPU.
        OSError: if the file cannot be read.

    Example:
        >>> from io import BytesIO
        >>> file = BytesIO()
        >>> graphc.save([graphc.arange(3), 0.5], file)
        >>> _ = file.seek(0)
        >>> graphc.load(file)
        [tensor([0, 1, 2]), 0.5]
    """
    check_device(map_location)
    if isinstance(f, (str, PathLike)):
        with open(f, "rb") as file:
            return load(file, map_location, pickle_module, weights_only=weights_only)
    start = f.tell() if f.seekable() else None
    data = f.read()
    if not data:
        raise EOFError("Ran out of input")
    value, length = _loaded(data, pickle_module, weights_only)
    if start is not None:
        f.seek(start + length)
    return value


def _loaded(data: bytes, pickle_module: Any, weights_only: bool) -> tuple[Any, int]:
    """Return the object at the beginning of some bytes, and its length in bytes."""
    if data.startswith(OLD_TORCH):
        raise pickle.UnpicklingError("this is a file of torch before 1.6; load it with torch and save it again")
    if data.startswith(ZIP):
        return _torch_file(data), len(data)
    if data[4:9] == b"\0\0\0\0{":
        return decode(data)
    if weights_only:
        return unpickled(data)
    stream = io.BytesIO(data)
    return (_Trusted(stream) if pickle_module is None else pickle_module.Unpickler(stream)).load(), stream.tell()


class _Trusted(pickle.Unpickler):
    """Python's own unpickler, with the older names of modules."""

    def find_class(self, module: str, name: str) -> Any:
        return super().find_class(MOVED.get(module, module), name)


def _torch_file(data: bytes) -> Any:
    """Return the object of torch's zip file: a pickle, and beside it the bytes of each storage, not compressed."""
    budget = Budget(len(data))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if len(names) != 1:
                raise damaged(f"expected one data.pkl in the zip file, got {len(names)}")
            folder = names[0].removesuffix("data.pkl")
            order = _entry(archive, f"{folder}byteorder", budget) if f"{folder}byteorder" in archive.namelist() else b"little"
            find = _storages(archive, folder, ">" if order == b"big" else "<", budget)
            return unpickled(_entry(archive, names[0], budget), find, budget)[0]
    except (zipfile.BadZipFile, RuntimeError, EOFError, OSError, ValueError, KeyError, StructError) as error:
        raise damaged(f"{type(error).__name__}: {error}"[:300]) from error


def _entry(archive: zipfile.ZipFile, name: str, budget: Budget) -> bytes:
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED:
        raise damaged(f"{name:.60} is compressed")
    budget.take(info.file_size)
    return archive.read(info)


def _storages(archive: zipfile.ZipFile, folder: str, order: str, budget: Budget) -> Callable[[Any], Storage]:
    """Return the resolver of persistent ids: ("storage", class, key, device, number of elements)."""
    known: dict[tuple[str, str], Storage] = {}

    def find(key: Any) -> Storage:
        if not isinstance(key, tuple) or len(key) != 5 or key[0] != "storage" or not isinstance(key[1], Elements):
            raise damaged(f"no storage {key!r:.80}")
        _, kind, number, _, count = key
        if not isinstance(number, str) or type(count) is not int:
            raise damaged(f"no storage {key!r:.80}")
        if (number, kind.dtype) not in known:
            raw = _entry(archive, f"{folder}data/{number}", budget)
            known[number, kind.dtype] = Storage(array_of(order + kind.dtype, (count,), raw, budget), budget)
        return known[number, kind.dtype]

    return find
