"""`python -m graphc cache`: show what is cached on disk; `python -m graphc cache clear`: delete it."""

from __future__ import annotations

import argparse

from graphc.codegen.runtime.disk import MOST_BYTES, entries, folder, trim

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the argument of `cache`."""
    parser.add_argument("action", nargs="?", choices=("show", "clear"), default="show", help="what to do (default: show)")


def run(options: argparse.Namespace) -> int:
    """Show or clear the cache, and return 0."""
    place = folder()
    if place is None:
        print("the cache is off: GRAPHC_CACHE is 0, or there is no home directory")
        return 0
    if options.action == "clear":
        trim(place, 0)
    known = entries(place)
    size = sum(bytes for _, bytes, _ in known)
    print(f"{place}: {len(known)} entries, {size / 1e6:.1f} MB of at most {MOST_BYTES / 1e6:.0f} MB")
    return 0
