"""Small training loops as people write them, for any library that is used like torch."""
