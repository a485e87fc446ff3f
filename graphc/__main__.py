"""Start the command line: `python -m graphc` trains on digits, `python -m graphc dump` shows a function's stages."""

from __future__ import annotations

import sys

from graphc.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
