"""Pending work of a thread: the trie of recorded structures, gradient histories, and programs that compute values."""
