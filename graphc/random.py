"""Random generators and their state, as torch.random has them."""

from graphc.core.errors import guard_all as _guard_all
from graphc.ops.random.generator import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)

__all__ = ["Generator", "default_generator", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]

_guard_all(globals(), __all__)
