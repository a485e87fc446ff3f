"""Random numbers for the elements of a batch.

A random generator is a key, and each draw advances it.  Where elements draw different numbers, the key is batched: element i
has it advanced as far as i runs of the function would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphc.core.errors import set_location
from graphc.ir.core.build import constant, elementwise, iota, reduce, select
from graphc.ir.core.graph import Node, toposort
from graphc.ir.core.types import I64
from graphc.ir.interpret.rng_offsets import drawn_words
from graphc.ir.transforms.vmap_rules import lead
from graphc.ops.random.generator import default_generator, generators
from graphc.storage.storage import Storage
from graphc.tracing.nested import KEY, Before

__all__ = ["furthest_key", "keys_of_elements", "refuse_draws"]

WORD = 0xFFFFFFFF
"""Bits of a word of random numbers."""


def refuse_draws(roots: Sequence[Node], changed: Mapping[Storage, Before]) -> None:
    """Raise RuntimeError if the roots depend on random numbers drawn with a state that was changed."""
    for storage, before in changed.items():
        if before.node.type == KEY and (
            storage is default_generator.state._storage or _contains_draw(roots, storage.node_in_trace(), before.node)
        ):
            error = RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
                "randomness flags on vmap or perform the randomness operation out of vmap"
            )
            set_location(error, storage.node_in_trace().where)
            raise error


def keys_of_elements(
    entered: Mapping[Storage, Before], changed: Mapping[Storage, Before], count: int
) -> tuple[dict[Node, Node], dict[Node, Node], dict[Node, Node]]:
    """Return replacements for the placeholders of random states: those without draws; batches; the start of the last run.

    If the number of words that one run draws is unknown, each element has its own stream.
    """
    plain: dict[Node, Node] = {}
    batches: dict[Node, Node] = {}
    last_states: dict[Node, Node] = {}
    for storage, before in entered.items():
        if before.key is None:
            continue
        words = drawn_words(storage.node_in_trace(), before.key) if storage in changed else 0
        if words is None and storage in generators:
            batches[before.key] = _streams(before.node, count)
            continue
        if not words:
            plain[before.key] = before.node
            continue
        many = (count, 2)
        iteration = select(elementwise("eq", iota(many, 1), 1), iota(many, 0) * words, constant(0, I64, many))
        batches[before.key] = lead(before.node, count) + iteration
        last = select(elementwise("eq", iota((2,), 0), 1), constant((count - 1) * words, I64, (2,)), constant(0, I64, (2,)))
        last_states[before.key] = before.node + last
    return plain, batches, last_states


def _contains_draw(roots: Sequence[Node], after: Node, before: Node) -> bool:
    """Return whether random bits among the nodes below the roots are drawn with a state from `before` to `after`."""
    states = set(toposort([after], lambda n: n is before))
    return any(n.op.random and n.operands[0] in states for n in toposort(roots))


def _streams(key: Node, size: int) -> Node:
    """Return a random state for each element, with distinct streams that start at `key`."""
    many = lead(key, size)
    seed = elementwise("xor", many & WORD, elementwise("shift_right", many, constant(32, I64, many.shape)) & WORD)
    mixed = (seed * 0x2545F491 + iota((size, 2), 0) * 0x9E3779B1 + 0x9E3779B1) & WORD
    return select(elementwise("eq", iota((size, 2), 1), 0), mixed, many)


def furthest_key(states: Node, before: Node) -> Node:
    """Return a random state beyond all draws of all elements."""
    if not states.shape[0]:
        return before
    return select(elementwise("eq", iota((2,), 0), 1), reduce("max", states, (0,)), before)
