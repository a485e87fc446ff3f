"""Random programs against references: `python -m tests.fuzz --seconds 60 --seed 1` (docs/fuzzing.md)."""
