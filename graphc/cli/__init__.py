"""The command line: the main program, `dump`, which prints any function at any stage, and `cache`, which shows the cache."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from graphc.cli import cache, dump, train

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line on arguments, those of the process if None, and return the exit code.

    Raises SystemExit with code 2 and a message on stderr for invalid arguments.
    """
    parser = argparse.ArgumentParser(
        prog="python -m graphc", description="Train a digit classifier whose whole step is compiled, and show what it became."
    )
    parser.add_argument("--out", type=Path, default=Path("graphc-out"), help="where the listings go (default: ./graphc-out)")
    parser.add_argument("--epochs", type=_positive, default=30, help="passes over the training digits (default: 30)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar: only the summary")
    commands = parser.add_subparsers(dest="command", metavar="dump, cache")
    dump.add_arguments(commands.add_parser("dump", help="print a function of any file at a stage of the compiler"))
    cache.add_arguments(commands.add_parser("cache", help="show what is cached on disk, or delete it"))
    options = parser.parse_args(argv)
    if options.command == "dump":
        return dump.run(options)
    if options.command == "cache":
        return cache.run(options)
    return train.run(options.out, options.epochs, quiet=options.quiet)


def _positive(text: str) -> int:
    """Return a positive int.  Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text!r}")
    return int(text)
