"""One function at every stage: gelu by its definition, which becomes a single vectorized kernel.

Run `python examples/gelu_kernel.py`, or look at one stage:
`python -m graphc dump examples/gelu_kernel.py:gelu --shape 1024:f32 --stage asm`.
"""

import numpy as np

import graphc


def gelu(x: graphc.Tensor) -> graphc.Tensor:
    """Return x times the normal distribution's share below x."""
    return 0.5 * x * (1 + graphc.erf(x / 2**0.5))


def total(x: graphc.Tensor) -> graphc.Tensor:
    """Return the sum, for a gradient."""
    return gelu(x).sum()


def main() -> None:
    """Print the stages of the function, and of its gradient."""
    x = np.linspace(-3, 3, 1024, dtype=np.float32)
    lowered = graphc.compile(gelu).lower(x)
    for stage in ("captured", "optimized", "kernels"):
        print(f"--- {stage}\n{lowered.ir(stage)}")
    print(
        "vector instructions in its assembly:",
        sum("ps" in line.split()[0] for line in lowered.asm().splitlines() if line.startswith("\tv")),
    )
    slope = graphc.compile(graphc.func.grad(total))
    print(f"--- gradient, fused\n{slope.lower(x).ir('fused')}")
    print(graphc.compile(gelu)(x)[::256], slope(x)[::256])


if __name__ == "__main__":
    main()
