"""Where the values of a program are: the main function, its parameter block, buffers in one arena, tapes."""
