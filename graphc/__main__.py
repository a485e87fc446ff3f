"""Start the command line: `python -m graphc` trains on digits, `python -m graphc dump` shows a function's stages."""

from __future__ import annotations

import os
import sys

from graphc.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # the reader, such as `head`, closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
