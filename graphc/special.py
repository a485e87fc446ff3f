"""Special functions under the names of torch.special."""

from graphc.ops.elementwise.exponential import exp2, expm1, log1p
from graphc.ops.elementwise.rounding import round
from graphc.ops.elementwise.special import erf, logit, sinc, xlogy
from graphc.ops.elementwise.special import sigmoid as expit
from graphc.ops.nn.softmax import log_softmax, softmax
from graphc.ops.reduce.norms import logsumexp
from graphc.ops.special.bessel import (
    airy_ai,
    bessel_j0,
    bessel_j1,
    bessel_y0,
    bessel_y1,
    i0,
    i0e,
    i1,
    i1e,
    modified_bessel_k0,
    modified_bessel_k1,
    scaled_modified_bessel_k0,
    scaled_modified_bessel_k1,
    spherical_bessel_j0,
)
from graphc.ops.special.bessel import i0 as modified_bessel_i0
from graphc.ops.special.bessel import i1 as modified_bessel_i1
from graphc.ops.special.entropy import entr, xlog1py
from graphc.ops.special.errors import erfc, erfcx, erfinv, log_ndtr, ndtr, ndtri
from graphc.ops.special.gamma import digamma
from graphc.ops.special.gamma import digamma as psi
from graphc.ops.special.gamma import lgamma as gammaln
from graphc.ops.special.incomplete import igamma as gammainc
from graphc.ops.special.incomplete import igammac as gammaincc
from graphc.ops.special.polynomials import (
    chebyshev_polynomial_t,
    chebyshev_polynomial_u,
    chebyshev_polynomial_v,
    chebyshev_polynomial_w,
    hermite_polynomial_h,
    hermite_polynomial_he,
    laguerre_polynomial_l,
    legendre_polynomial_p,
    shifted_chebyshev_polynomial_t,
    shifted_chebyshev_polynomial_u,
    shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w,
)
from graphc.ops.special.zeta import multigammaln, polygamma, zeta

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "chebyshev_polynomial_t", "chebyshev_polynomial_u",
    "chebyshev_polynomial_v", "chebyshev_polynomial_w", "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2",
    "expit", "expm1", "gammainc", "gammaincc", "gammaln", "hermite_polynomial_h", "hermite_polynomial_he", "i0", "i0e",
    "i1", "i1e", "laguerre_polynomial_l", "legendre_polynomial_p", "log1p", "log_ndtr", "log_softmax", "logit", "logsumexp",
    "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1", "multigammaln", "ndtr", "ndtri",
    "polygamma", "psi", "round", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w", "sinc", "softmax",
    "spherical_bessel_j0", "xlog1py", "xlogy", "zeta",
]  # fmt: skip
