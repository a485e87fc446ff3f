"""A tour of autograd: what PyTorch's tutorial does, printed as PyTorch prints it.

Run `python examples/tutorial.py`.
"""

import graphc as torch


def main() -> None:
    """Record operations, go back through them, stop recording."""
    x = torch.ones(2, 2, requires_grad=True)
    print(x)

    # every operation is recorded as it is called; the result knows what made it
    y = x + 2
    print(y)
    z = y * y * 3
    out = z.mean()
    print(z, out)

    # backward appends the adjoint graph and leaves the gradient by each leaf in .grad
    out.backward()
    print(x.grad)

    # values are computed when they are read, so a loop may depend on them
    v = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    w = v * 2
    while w.data.norm() < 1000:
        w = w * 2
    w.backward(torch.tensor([0.1, 1.0, 0.0001]))
    print(w, v.grad)

    # the gradient of a gradient is one more pass over the same kind of graph
    s = torch.tensor(3.0, requires_grad=True)
    (first,) = torch.autograd.grad(s**3, s, create_graph=True)
    (second,) = torch.autograd.grad(first, s)
    print(first, second)

    with torch.no_grad():
        print((x**2).requires_grad)
    print(x.eq(x.detach()).all())


if __name__ == "__main__":
    main()
