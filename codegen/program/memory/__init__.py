"""Memory of a program: the main function, its parameter block, buffers in one arena, tapes."""
