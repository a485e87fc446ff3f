"""The command line: the main program, and `dump`, which prints any function at any stage."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from graphc.cli import dump, train

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
    commands = parser.add_subparsers(dest="command", metavar="dump")
    dump.add_arguments(commands.add_parser("dump", help="print a function of any file at a stage of the compiler"))
    options = parser.parse_args(argv)
    if options.command == "dump":
        return dump.run(options)
    return train.run(options.out, options.epochs, quiet=options.quiet)


def _positive(text: str) -> int:
    """Return a positive int.  Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text!r}")
    return int(text)
