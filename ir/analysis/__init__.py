"""Facts about graphs; nothing here rewrites."""
