"""How many threads the parallel loops of programs use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from graphc.codegen.runtime.engine import get_threads, set_threads
from graphc.codegen.threads.workers import MOST_THREADS

__all__ = ["get_num_threads", "set_num_threads", "threads"]


def check_threads(number: int) -> int:
    """Return a number of threads.  Raises TypeError or ValueError if it is none."""
    if type(number) is not int:
        raise TypeError(f"a number of threads is an int, got {type(number).__name__}")
    if not 1 <= number <= MOST_THREADS:
        raise ValueError(f"a number of threads is from 1 to {MOST_THREADS}, got {number}")
    return number


def get_num_threads() -> int:
    """Return how many threads share the loops of a program.

    At first it is the environment variable `GRAPHC_NUM_THREADS`, or else the number of processors that the process may
    use, as its affinity and, on Linux, the quotas of its cgroups allow.

    Returns:
        The number, from 1 on.

    Raises:
        ValueError: if `GRAPHC_NUM_THREADS` is not a number from 1 to 1024.

    Example:
        >>> graphc.set_num_threads(2)
        >>> graphc.get_num_threads()
        2
    """
    return get_threads()


def set_num_threads(number: int) -> None:
    """Set how many threads share the loops of a program, for all Python threads, from the next loop on.

    Results do not depend on the number: sums are added up in the same order.  Loops with little work are run by the
    calling thread alone; of several Python threads that call programs at once, one has the other threads' help.

    Args:
        number: threads, the calling one included; 1 leaves all work to it.

    Raises:
        TypeError: if number is not an int.
        ValueError: if it is not from 1 to 1024.

    Example:
        >>> graphc.set_num_threads(1)
        >>> graphc.get_num_threads()
        1
    """
    set_threads(check_threads(number))


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Set the number of threads for a `with` block, and restore it at its end; for all Python threads.

    Args:
        number: threads, as in `set_num_threads`.

    Returns:
        Context manager.

    Raises:
        TypeError: if number is not an int.
        ValueError: if it is not from 1 to 1024.

    Example:
        >>> graphc.set_num_threads(2)
        >>> with graphc.threads(1):
        ...     print(graphc.get_num_threads())
        1
        >>> graphc.get_num_threads()
        2
    """
    before = get_threads()
    set_num_threads(number)
    try:
        yield
    finally:
        set_threads(before)
