"""Where the tests find the checkout."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
"""The folder that holds `graphc/`, `ir/`, `codegen/`, `tests/`, `docs/`."""
