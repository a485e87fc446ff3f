"""Measure `import graphc` beyond NumPy's own import: fresh processes in turns, medians.

Bytecode is cached in a folder of this run, as that of an installed package is; each runs once before it counts.
Run `python benchmarks/import_time.py`; the bar is 0.25 s.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 9
ROOT = Path(__file__).parent.parent
CODE = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"
STATEMENTS = {"numpy": CODE.format("numpy"), "graphc, after numpy": "import numpy; " + CODE.format("graphc")}


def seconds(statement: str, cache: str) -> float:
    """Return how long the last import of a statement takes in a fresh process."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPYCACHEPREFIX": cache, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", statement]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Print the medians."""
    with tempfile.TemporaryDirectory() as cache:
        rounds = [{name: seconds(code, cache) for name, code in STATEMENTS.items()} for _ in range(ROUNDS + 1)][1:]
    for name in STATEMENTS:
        times = [r[name] for r in rounds]
        print(f"{name:22} {statistics.median(times):.3f} s   (from {min(times):.3f} to {max(times):.3f})")


if __name__ == "__main__":
    main()
