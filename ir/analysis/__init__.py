"""Facts about graphs; no rewriting."""
