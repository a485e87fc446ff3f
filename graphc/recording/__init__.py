"""What is pending in a thread: the trie of structures, histories, programs for what is looked at."""
