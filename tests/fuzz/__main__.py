"""Run random cases against references; exit with 1 if one differs."""

from __future__ import annotations

import argparse
import random
import sys
import time
import warnings

from tests.fuzz import programs
from tests.fuzz.kinds import KINDS
from tests.fuzz.modes import ALL_MODES
from tests.fuzz.workers import run_watched

SHARES = {
    "programs": 0.35, "sizes": 0.2, "loops": 0.15, "state": 0.1, "transforms": 0.05, "mutate": 0.1, "decisions": 0.05,
}  # fmt: skip
"""The part of the time that each kind gets where all are run."""


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--kind", default="programs", choices=(*KINDS, "all"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="of the first case; a new one is drawn and printed otherwise")
    parser.add_argument("--count", type=int, default=None, help="stop after so many cases")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    parser.add_argument("--modes", default=",".join(ALL_MODES))
    parser.add_argument(
        "--replay", type=int, default=None, metavar="SEED", help="check the one program of a seed, and print it"
    )
    parser.add_argument("--minimize", action="store_true", help="with --replay: shrink the program, show where values part")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.replay is not None:
        return int(programs.replay(args.replay, args.modes.split(","), args.minimize))
    seed = random.SystemRandom().randrange(10**9) if args.seed is None else args.seed
    print(f"seed {seed}", flush=True)
    shares = SHARES if args.kind == "all" else {args.kind: 1.0}
    failed = False
    for kind, share in shares.items():
        start = time.monotonic()
        report = run_watched(kind, seed, args.seconds * share, args.count, tuple(args.modes.split(",")), args.jobs)
        print(f"{report}\n{report.checks / (time.monotonic() - start):.0f} checks a second", flush=True)
        failed |= bool(report.failures)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
