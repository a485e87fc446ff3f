"""Function transforms, as in torch.func: each takes a function and returns a function, and they nest."""

from graphc.batching.vmap import vmap
from graphc.core.errors import guard_all as _guard_all
from graphc.func.forward import jvp, linearize
from graphc.func.jacobian import hessian, jacfwd, jacrev
from graphc.func.modules import functional_call, stack_module_state
from graphc.func.reverse import grad, grad_and_value, vjp
from graphc.func.sparse import hessian_sparsity, jacobian_sparsity, sparse_hessian, sparse_jacobian
from graphc.ir.sparse.sparsity import Sparsity

__all__ = [
    "Sparsity", "functional_call", "grad", "grad_and_value", "hessian", "hessian_sparsity", "jacfwd", "jacobian_sparsity",
    "jacrev", "jvp", "linearize", "sparse_hessian", "sparse_jacobian", "stack_module_state", "vjp", "vmap",
]  # fmt: skip

_guard_all(globals(), __all__)
