"""Special functions: gamma, error and Bessel functions, orthogonal polynomials."""
