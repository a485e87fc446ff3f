"""Types of the methods of tensors that are operations, written by tests/stubs.py."""

import builtins
from collections.abc import Callable
from collections.abc import Sequence
from graphc.autograd.backward import Tensors
from graphc.autograd.hooks import RemovableHandle
from graphc.core.dtypes import dtype
from graphc.ops.common import DTypeLike
from graphc.ops.create.options import Options
from graphc.ops.elementwise.representation import Frexp
from graphc.ops.linear_algebra.results import OldSvd
from graphc.ops.linear_algebra.results import Qr
from graphc.ops.linear_algebra.results import Slogdet
from graphc.ops.linear_algebra.results import TriangularSolve
from graphc.ops.random.generator import Generator
from graphc.ops.reduce.extremes import ValuesIndices
from graphc.ops.reduce.histograms import Histogram
from graphc.tensors.devices import device
from graphc.tensors.tensor import Tensor
from graphc.tensors.typed import TensorType
from typing import Any
from typing import Literal
from typing import overload
from typing_extensions import Unpack

class Operations:
    def add(self, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor:
        """Return input + alpha * other; for bools, their logical or."""
    def addcdiv(self, tensor1: Tensor, tensor2: Tensor, *, value: builtins.float = 1) -> Tensor:
        """Return input + value * tensor1 / tensor2."""
    def addcmul(self, tensor1: Tensor, tensor2: Tensor, *, value: builtins.float = 1) -> Tensor:
        """Return input + value * tensor1 * tensor2."""
    def lerp(self, end: Tensor, weight: Tensor | builtins.float) -> Tensor:
        """Interpolate linearly: return input + weight * (end - input)."""
    def mul(self, other: Tensor | builtins.float) -> Tensor:
        """Return input * other; for bools, their logical and."""
    def multiply(self, other: Tensor | builtins.float) -> Tensor:
        """Return input * other; for bools, their logical and."""
    def neg(self) -> Tensor:
        """Return -input."""
    def negative(self) -> Tensor:
        """Return -input."""
    def positive(self) -> Tensor:
        """Return input itself."""
    def sub(self, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor:
        """Return input - alpha * other."""
    def subtract(self, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor:
        """Return input - alpha * other."""
    def bitwise_and(self, other: Tensor | builtins.float) -> Tensor:
        """Return the bits set in both operands; for bools, their logical and."""
    def bitwise_left_shift(self, other: Tensor | builtins.float) -> Tensor:
        """Shift bits to the left: return input * 2**other, wrapped to the dtype."""
    def bitwise_not(self) -> Tensor:
        """Invert every bit of input: return -input - 1 for signed integers, the negation for bools."""
    def bitwise_or(self, other: Tensor | builtins.float) -> Tensor:
        """Return the bits set in at least one operand; for bools, their logical or."""
    def bitwise_right_shift(self, other: Tensor | builtins.float) -> Tensor:
        """Shift bits to the right, keeping the sign: return floor(input / 2**other)."""
    def bitwise_xor(self, other: Tensor | builtins.float) -> Tensor:
        """Return the bits set in exactly one operand; for bools, their exclusive or."""
    def clamp(self, min: Tensor | builtins.float | None = None, max: Tensor | builtins.float | None = None) -> Tensor:
        """Limit input to the interval [min, max]."""
    def clamp_max(self, max: Tensor | builtins.float) -> Tensor:
        """Limit input to values of at most max."""
    def clamp_min(self, min: Tensor | builtins.float) -> Tensor:
        """Limit input to values of at least min."""
    def clip(self, min: Tensor | builtins.float | None = None, max: Tensor | builtins.float | None = None) -> Tensor:
        """Limit input to the interval [min, max]."""
    def fmax(self, other: Tensor | builtins.float) -> Tensor:
        """Return the larger of two values, elementwise; if one is NaN, the other one."""
    def fmin(self, other: Tensor | builtins.float) -> Tensor:
        """Return the smaller of two values, elementwise; if one is NaN, the other one."""
    def maximum(self, other: Tensor | builtins.float) -> Tensor:
        """Return the larger of two values, elementwise; NaN if either is NaN."""
    def minimum(self, other: Tensor | builtins.float) -> Tensor:
        """Return the smaller of two values, elementwise; NaN if either is NaN."""
    def allclose(self, other: Tensor, rtol: builtins.float = 1e-05, atol: builtins.float = 1e-08, equal_nan: builtins.bool = False) -> builtins.bool:
        """Test whether all elements of two tensors are close, as `graphc.isclose` defines it."""
    def eq(self, other: Tensor | builtins.float) -> Tensor:
        """Compare elementwise: return whether input == other."""
    def equal(self, other: Tensor) -> builtins.bool:
        """Test whether two tensors have the same shape and equal elements."""
    def ge(self, other: Tensor | builtins.float) -> Tensor:
        """Compare elementwise: return whether input >= other."""
    def greater(self, other: Tensor | builtins.float) -> Tensor:
        """Compare elementwise: return whether input > other."""
    def greater_equal(self, other: Tensor | builtins.float) -> Tensor:
        """Compare elementwise: return whether input >= other."""
    def gt(self, other: Tensor | builtins.float) -> Tensor:
        """Compare elementwise: return whether input > other."""
    def isclose(self, other: Tensor | builtins.float, rtol: builtins.float = 1e-05, atol: builtins.float = 1e-08, equal_nan: builtins.bool = False) -> Tensor:
        """Test which elements are close: return abs(input - other) <= atol + rtol * abs(other)."""
    def le(self, other: Tensor | builtins.float) -> Tensor:
        """Compare elementwise: return whether input <= other."""
    def less(self, other: Tensor | builtins.float) -> Tensor:
        """Compare elementwise: return whether input < other."""
    def less_equal(self, other: Tensor | builtins.float) -> Tensor:
        """Compare elementwise: return whether input <= other."""
    def lt(self, other: Tensor | builtins.float) -> Tensor:
        """Compare elementwise: return whether input < other."""
    def ne(self, other: Tensor | builtins.float) -> Tensor:
        """Compare elementwise: return whether input != other."""
    def not_equal(self, other: Tensor | builtins.float) -> Tensor:
        """Compare elementwise: return whether input != other."""
    def div(self, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Tensor:
        """Return the quotient input / other, optionally rounded."""
    def divide(self, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Tensor:
        """Return the quotient input / other, optionally rounded."""
    def floor_divide(self, other: Tensor | builtins.float) -> Tensor:
        """Return floor(input / other); an integer divided by 0 gives 0."""
    def fmod(self, other: Tensor | builtins.float) -> Tensor:
        """Return the remainder of truncating division, input - other * trunc(input / other)."""
    def gcd(self, other: Tensor) -> Tensor:
        """Return the greatest common divisors, which are not negative; that of 0 and 0 is 0."""
    def lcm(self, other: Tensor) -> Tensor:
        """Return the least common multiples, which are not negative; 0 where an operand is 0."""
    def reciprocal(self) -> Tensor:
        """Return 1 / input."""
    def remainder(self, other: Tensor | builtins.float) -> Tensor:
        """Return the remainder of floor division, input - other * floor(input / other)."""
    def true_divide(self, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Tensor:
        """Return the quotient input / other, optionally rounded."""
    def exp(self) -> Tensor:
        """Return e to the power input."""
    def exp2(self) -> Tensor:
        """Return 2 to the power input, exact for integers."""
    def expm1(self) -> Tensor:
        """Return exp(input) - 1, accurate near 0."""
    def log(self) -> Tensor:
        """Return the natural logarithm; -inf at 0, NaN below."""
    def log1p(self) -> Tensor:
        """Return log(1 + input), accurate near 0; -inf at -1, NaN below."""
    def log2(self) -> Tensor:
        """Return the logarithm to base 2; -inf at 0, NaN below."""
    def log10(self) -> Tensor:
        """Return the logarithm to base 10; -inf at 0, NaN below."""
    def logaddexp(self, other: Tensor | builtins.float) -> Tensor:
        """Return log(exp(input) + exp(other)) without overflow."""
    def logaddexp2(self, other: Tensor | builtins.float) -> Tensor:
        """Return log2(2**input + 2**other) without overflow."""
    def digamma(self) -> Tensor:
        """Return the digamma function, the derivative of `graphc.lgamma`."""
    def lgamma(self) -> Tensor:
        """Return the natural logarithm of the absolute value of the gamma function."""
    def acosh(self) -> Tensor:
        """Return the inverse hyperbolic cosine; NaN below 1."""
    def arccosh(self) -> Tensor:
        """Return the inverse hyperbolic cosine; NaN below 1."""
    def arcsinh(self) -> Tensor:
        """Return the inverse hyperbolic sine."""
    def arctanh(self) -> Tensor:
        """Return the inverse hyperbolic tangent; infinite at -1 and 1, NaN outside."""
    def asinh(self) -> Tensor:
        """Return the inverse hyperbolic sine."""
    def atanh(self) -> Tensor:
        """Return the inverse hyperbolic tangent; infinite at -1 and 1, NaN outside."""
    def cosh(self) -> Tensor:
        """Return the hyperbolic cosine, finite wherever the result is representable."""
    def sinh(self) -> Tensor:
        """Return the hyperbolic sine, finite wherever the result is representable."""
    def tanh(self) -> Tensor:
        """Return the hyperbolic tangent."""
    def logical_and(self, other: Tensor | builtins.float) -> Tensor:
        """Test which elements are true in both operands."""
    def logical_not(self) -> Tensor:
        """Test which elements are 0."""
    def logical_or(self, other: Tensor | builtins.float) -> Tensor:
        """Test which elements are true in at least one operand."""
    def logical_xor(self, other: Tensor | builtins.float) -> Tensor:
        """Test which elements are true in exactly one operand."""
    def float_power(self, exponent: Tensor | builtins.float) -> Tensor:
        """Return input raised to the power exponent, computed in float64."""
    def pow(self, exponent: Tensor | builtins.float) -> Tensor:
        """Return input raised to the power exponent, elementwise."""
    def rsqrt(self) -> Tensor:
        """Return the reciprocal square root, 1 / sqrt(input); NaN below 0."""
    def sqrt(self) -> Tensor:
        """Return the square root; NaN below 0."""
    def square(self) -> Tensor:
        """Return input * input."""
    def angle(self) -> Tensor:
        """Return the angles of numbers in the complex plane: 0, pi for those below 0, and NaN for NaN. The gradient is 0."""
    def conj(self) -> Tensor:
        """Return the complex conjugates: the tensor itself, since there are no complex dtypes."""
    def conj_physical(self) -> Tensor:
        """Return the complex conjugates: the tensor itself, since there are no complex dtypes."""
    def isfinite(self) -> Tensor:
        """Test which elements are finite, neither infinite nor NaN."""
    def isinf(self) -> Tensor:
        """Test which elements are infinite, of either sign."""
    def isnan(self) -> Tensor:
        """Test which elements are NaN."""
    def isneginf(self) -> Tensor:
        """Test which elements are -inf."""
    def isposinf(self) -> Tensor:
        """Test which elements are inf."""
    def isreal(self) -> Tensor:
        """Test which elements are real numbers: all of them are."""
    def real(self) -> Tensor:
        """Return the real part: the tensor itself, since there are no complex dtypes."""
    def resolve_conj(self) -> Tensor:
        """Return the tensor itself: no tensor is conjugated lazily."""
    def resolve_neg(self) -> Tensor:
        """Return the tensor itself: no tensor is negated lazily."""
    def ceil(self) -> Tensor:
        """Return the smallest integer that is at least input."""
    def fix(self) -> Tensor:
        """Round input towards zero."""
    def floor(self) -> Tensor:
        """Return the largest integer that is at most input."""
    def frac(self) -> Tensor:
        """Return the fractional part, input - trunc(input), with the sign of input."""
    def round(self, *, decimals: builtins.int = 0) -> Tensor:
        """Round input to the nearest integer or decimal place, halves to even."""
    def trunc(self) -> Tensor:
        """Round input towards zero."""
    def abs(self) -> Tensor:
        """Return the absolute value of input, with derivative 0 at 0."""
    def absolute(self) -> Tensor:
        """Return the absolute value of input, with derivative 0 at 0."""
    def copysign(self, other: Tensor | builtins.float) -> Tensor:
        """Return the magnitude of input with the sign of other."""
    def nan_to_num(self, nan: builtins.float | None = None, posinf: builtins.float | None = None, neginf: builtins.float | None = None) -> Tensor:
        """Replace NaN, inf and -inf by finite numbers."""
    def sgn(self) -> Tensor:
        """Return the sign of input: -1, 0 or 1."""
    def sign(self) -> Tensor:
        """Return the sign of input: -1, 0 or 1."""
    def signbit(self) -> Tensor:
        """Test which elements have a negative sign, -0.0 included."""
    def erf(self) -> Tensor:
        """Return the error function, 2 / sqrt(pi) times the integral of exp(-t²) from 0 to input."""
    def heaviside(self, values: Tensor | builtins.float) -> Tensor:
        """Return the Heaviside step function: 0 below zero, 1 above, and values at zero."""
    def logit(self, eps: builtins.float | None = None) -> Tensor:
        """Return the log-odds, log(input / (1 - input)), the inverse of `graphc.sigmoid`."""
    def sigmoid(self) -> Tensor:
        """Return the logistic function 1 / (1 + exp(-input)), without overflow."""
    def sinc(self) -> Tensor:
        """Return the normalized sinc, sin(pi x) / (pi x), with value 1 and derivative 0 at 0."""
    def xlogy(self, other: Tensor | builtins.float) -> Tensor:
        """Return input * log(other), with value 0 where input is 0 and other is not NaN."""
    def acos(self) -> Tensor:
        """Return the arc cosine in radians, in [0, pi]; NaN outside of [-1, 1]."""
    def arccos(self) -> Tensor:
        """Return the arc cosine in radians, in [0, pi]; NaN outside of [-1, 1]."""
    def arcsin(self) -> Tensor:
        """Return the arc sine in radians, in [-pi/2, pi/2]; NaN outside of [-1, 1]."""
    def arctan(self) -> Tensor:
        """Return the arc tangent in radians, in [-pi/2, pi/2]."""
    def arctan2(self, other: Tensor | builtins.float) -> Tensor:
        """Return the angle of the point (other, input) in radians, in all four quadrants."""
    def asin(self) -> Tensor:
        """Return the arc sine in radians, in [-pi/2, pi/2]; NaN outside of [-1, 1]."""
    def atan(self) -> Tensor:
        """Return the arc tangent in radians, in [-pi/2, pi/2]."""
    def atan2(self, other: Tensor | builtins.float) -> Tensor:
        """Return the angle of the point (other, input) in radians, in all four quadrants."""
    def cos(self) -> Tensor:
        """Return the cosine of an angle in radians."""
    def deg2rad(self) -> Tensor:
        """Convert degrees to radians."""
    def hypot(self, other: Tensor | builtins.float) -> Tensor:
        """Return the length of the hypotenuse, sqrt(input² + other²), without overflow."""
    def rad2deg(self) -> Tensor:
        """Convert radians to degrees."""
    def sin(self) -> Tensor:
        """Return the sine of an angle in radians."""
    def tan(self) -> Tensor:
        """Return the tangent of an angle in radians."""
    def pinverse(self, rcond: builtins.float = 1e-15) -> Tensor:
        """Return the Moore-Penrose inverses of matrices; `graphc.linalg.pinv` is its successor."""
    def qr(self, some: builtins.bool = True) -> Qr:
        """Decompose matrices into Q, with orthonormal columns, and upper triangular R; `graphc.linalg.qr` is its successor."""
    def svd(self, some: builtins.bool = True, compute_uv: builtins.bool = True) -> OldSvd:
        """Return the singular value decompositions of matrices, U diag(S) V^T; `graphc.linalg.svd` is its successor."""
    def gather(self, dim: builtins.int, index: Tensor, *, sparse_grad: builtins.bool = False) -> Tensor:
        """Return the elements of input at an index along an axis: out[i][j] = input[index[i][j]][j] for dim 0."""
    def index_select(self, dim: builtins.int, index: Tensor) -> Tensor:
        """Return the slices of input at the given indices of an axis."""
    def take(self, index: Tensor) -> Tensor:
        """Return the elements of the flattened input at the given indices."""
    def take_along_dim(self, indices: Tensor, dim: builtins.int | None = None) -> Tensor:
        """Return the elements of input at indices along an axis; the other axes broadcast."""
    def index_put(self, indices: Sequence[Tensor], values: Tensor | builtins.float, accumulate: builtins.bool = False) -> Tensor:
        """Return input with values written, or added, at the places that index tensors give."""
    def argwhere(self) -> Tensor:
        """Return the indices of the nonzero elements in row-major order, one row each."""
    def masked_fill(self, mask: Tensor, value: Tensor | builtins.float) -> Tensor:
        """Return input with the elements where the mask holds replaced by value."""
    def masked_select(self, mask: Tensor) -> Tensor:
        """Return the elements where the mask holds as a vector, in row-major order."""
    @overload
    def nonzero(self, *, as_tuple: Literal[False] = False) -> Tensor:
        """Return the indices of the nonzero elements in row-major order."""
    @overload
    def nonzero(self, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]:
        """Return the indices of the nonzero elements in row-major order."""
    def index_reduce(self, dim: builtins.int, index: Tensor, source: Tensor, reduce: str, *, include_self: builtins.bool = True) -> Tensor:
        """Return input with the slices of source combined at the given indices of an axis."""
    def scatter_reduce(self, dim: builtins.int, index: Tensor, src: Tensor, reduce: str, *, include_self: builtins.bool = True) -> Tensor:
        """Return input with the elements of src combined at an index along an axis: out[index[i][j]][j] from src[i][j] for dim 0."""
    def scatter(self, dim: builtins.int, index: Tensor, src: Tensor | builtins.float | None = None, *, value: Tensor | builtins.float | None = None, reduce: str | None = None) -> Tensor:
        """Return input with elements written at an index along an axis: out[index[i][j]][j] = src[i][j] for dim 0."""
    def scatter_add(self, dim: builtins.int, index: Tensor, src: Tensor) -> Tensor:
        """Return input with the elements of src added at an index along an axis: out[index[i][j]][j] += src[i][j] for dim 0."""
    def index_add(self, dim: builtins.int, index: Tensor, source: Tensor, *, alpha: builtins.float = 1) -> Tensor:
        """Return input with alpha times the slices of source added at the given indices of an axis."""
    def index_copy(self, dim: builtins.int, index: Tensor, source: Tensor) -> Tensor:
        """Return input with the slices of source written at the given indices of an axis; the last of repeated ones stays."""
    def index_fill(self, dim: builtins.int, index: Tensor, value: Tensor | builtins.float) -> Tensor:
        """Return input with the slices at the given indices of an axis filled with one value."""
    def as_strided(self, size: Sequence[builtins.int], stride: Sequence[builtins.int], storage_offset: builtins.int | None = None) -> Tensor:
        """Return a view of the memory of a tensor: element i, j, … is at storage_offset + i * stride[0] + j * stride[1] + …."""
    def as_strided_scatter(self, src: Tensor, size: Sequence[builtins.int], stride: Sequence[builtins.int], storage_offset: builtins.int | None = None) -> Tensor:
        """Return input with the elements of the view `graphc.as_strided` replaced by src."""
    def diagonal_scatter(self, src: Tensor, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1) -> Tensor:
        """Return input with the diagonal of the plane of two axes replaced by src."""
    def masked_scatter(self, mask: Tensor, source: Tensor) -> Tensor:
        """Return input with the elements where the mask holds replaced by those of source, in row-major order."""
    def put(self, index: Tensor, source: Tensor, accumulate: builtins.bool = False) -> Tensor:
        """Return input with elements written at indices of the flattened tensor."""
    def select_scatter(self, src: Tensor, dim: builtins.int, index: builtins.int) -> Tensor:
        """Return input with the slice at one index of an axis replaced by src."""
    def slice_scatter(self, src: Tensor, dim: builtins.int = 0, start: builtins.int | None = None, end: builtins.int | None = None, step: builtins.int = 1) -> Tensor:
        """Return input with the elements start:end:step along an axis replaced by src."""
    def addbmm(self, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """Return beta * input + alpha times the sum of the products batch1 @ batch2 over the batch."""
    def addmm(self, mat1: Tensor, mat2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """Return beta * input + alpha * (mat1 @ mat2)."""
    def addmv(self, mat: Tensor, vec: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """Return beta * input + alpha * (mat @ vec)."""
    def addr(self, vec1: Tensor, vec2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """Return beta * input + alpha * the outer product of two vectors."""
    def baddbmm(self, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """Return beta * input + alpha * (batch1 @ batch2), for batches of matrices."""
    def cholesky(self, upper: builtins.bool = False) -> Tensor:
        """Factor symmetric positive definite matrices into L L^T, or U^T U."""
    def cholesky_inverse(self, upper: builtins.bool = False) -> Tensor:
        """Invert symmetric positive definite matrices, given their Cholesky factors."""
    def cholesky_solve(self, L: Tensor, upper: builtins.bool = False) -> Tensor:
        """Solve A X = B by the Cholesky factors of A."""
    def bmm(self, mat2: Tensor) -> Tensor:
        """Multiply the matrices of two batches, without broadcasting."""
    def dot(self, tensor: Tensor) -> Tensor:
        """Return the dot product of two vectors."""
    def matmul(self, other: Tensor) -> Tensor:
        """Return the matrix product of two tensors."""
    def mm(self, mat2: Tensor) -> Tensor:
        """Multiply two matrices, without broadcasting."""
    def mv(self, vec: Tensor) -> Tensor:
        """Multiply a matrix by a vector."""
    def vdot(self, tensor: Tensor) -> Tensor:
        """Return the dot product of two vectors."""
    def matrix_exp(self) -> Tensor:
        """Return the exponential of square matrices, the sum of A^k / k! over all k."""
    def det(self) -> Tensor:
        """Return the determinants of square matrices; it is `graphc.linalg.det`."""
    def inverse(self) -> Tensor:
        """Invert square matrices; it is `graphc.linalg.inv`."""
    def logdet(self) -> Tensor:
        """Return the logarithms of the determinants of square matrices."""
    def matrix_power(self, n: builtins.int) -> Tensor:
        """Raise square matrices to a power, by repeated squaring."""
    def slogdet(self) -> Slogdet:
        """Return the signs of determinants, and the logarithms of their magnitudes; it is `graphc.linalg.slogdet`."""
    def trace(self) -> Tensor:
        """Return the sum of the diagonal of a matrix."""
    def lu_solve(self, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
        """Solve square systems of linear equations by the factors of their matrices, as `graphc.linalg.lu_solve` does."""
    def triangular_solve(self, A: Tensor, upper: builtins.bool = True, transpose: builtins.bool = False, unitriangular: builtins.bool = False) -> TriangularSolve:
        """Solve triangular systems of linear equations, A X = B; `graphc.linalg.solve_triangular` is its successor."""
    def cross(self, other: Tensor, dim: builtins.int = -1) -> Tensor:
        """Return cross products of vectors of three elements along an axis; the other axes broadcast."""
    def ger(self, vec2: Tensor) -> Tensor:
        """Return the outer product of two vectors, input[i] * vec2[j] at (i, j)."""
    def inner(self, other: Tensor) -> Tensor:
        """Sum products over the last axes of two tensors."""
    def kron(self, other: Tensor) -> Tensor:
        """Return the Kronecker product: every element of input times the whole of other."""
    def outer(self, vec2: Tensor) -> Tensor:
        """Return the outer product of two vectors, input[i] * vec2[j] at (i, j)."""
    def relu(self, inplace: builtins.bool = False) -> Tensor:
        """Return max(input, 0): the rectified linear unit."""
    def log_softmax(self, dim: builtins.int | None = None, _stacklevel: builtins.int = 3, dtype: DTypeLike = None) -> Tensor:
        """Return log(softmax(input)) along an axis, computed as input - log(sum(exp(input))) without overflow."""
    def softmax(self, dim: builtins.int | None = None, _stacklevel: builtins.int = 3, dtype: DTypeLike = None) -> Tensor:
        """Return exp(input) / sum(exp(input)) along an axis."""
    def multinomial(self, num_samples: builtins.int, replacement: builtins.bool = False, *, generator: Generator | None = None) -> Tensor:
        """Draw indices of categories with probabilities in proportion to weights."""
    def bernoulli(self, *, generator: Generator | None = None) -> Tensor:
        """Return 1 with the probability that the element of input gives, and 0 otherwise."""
    def bincount(self, weights: Tensor | None = None, minlength: builtins.int = 0) -> Tensor:
        """Return how often each integer from 0 up occurs in a vector, or the sum of the weights at its occurrences."""
    @overload
    def unique(self, sorted: builtins.bool = True, return_inverse: Literal[False] = False, return_counts: Literal[False] = False, dim: builtins.int | None = None) -> Tensor:
        """Return the distinct elements, or the distinct slices along an axis, in ascending order."""
    @overload
    def unique(self, sorted: builtins.bool = True, *, return_inverse: Literal[True], return_counts: Literal[True], dim: builtins.int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return the distinct elements, or the distinct slices along an axis, in ascending order."""
    @overload
    def unique(self, sorted: builtins.bool = True, *, return_inverse: Literal[True], return_counts: Literal[False] = False, dim: builtins.int | None = None) -> tuple[Tensor, Tensor]:
        """Return the distinct elements, or the distinct slices along an axis, in ascending order."""
    @overload
    def unique(self, sorted: builtins.bool = True, return_inverse: Literal[False] = False, *, return_counts: Literal[True], dim: builtins.int | None = None) -> tuple[Tensor, Tensor]:
        """Return the distinct elements, or the distinct slices along an axis, in ascending order."""
    @overload
    def unique(self, sorted: builtins.bool = True, return_inverse: builtins.bool = False, return_counts: builtins.bool = False, dim: builtins.int | None = None) -> Tensor | tuple[Tensor, ...]:
        """Return the distinct elements, or the distinct slices along an axis, in ascending order."""
    def unique_consecutive(self, return_inverse: builtins.bool = False, return_counts: builtins.bool = False, dim: builtins.int | None = None) -> Tensor | tuple[Tensor, ...]:
        """Return the elements, or the slices along an axis, without those that equal the one before them."""
    def corrcoef(self) -> Tensor:
        """Return the correlation coefficients of variables, the rows, over observations, the columns."""
    def cov(self, *, correction: builtins.int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None) -> Tensor:
        """Return the covariances of variables, the rows, over observations, the columns."""
    def cummax(self, dim: builtins.int) -> ValuesIndices:
        """Return the cumulative maxima along an axis, and their indices: the last of equal ones."""
    def cummin(self, dim: builtins.int) -> ValuesIndices:
        """Return the cumulative minima along an axis, and their indices: the last of equal ones."""
    def cumprod(self, dim: builtins.int, *, dtype: DTypeLike = None) -> Tensor:
        """Return the cumulative products along an axis: element i is the product of the elements 0 to i."""
    def cumsum(self, dim: builtins.int, *, dtype: DTypeLike = None) -> Tensor:
        """Return the cumulative sums along an axis: element i is the sum of the elements 0 to i."""
    def logcumsumexp(self, dim: builtins.int) -> Tensor:
        """Return the logarithms of the cumulative sums of exponentials along an axis, without overflow."""
    def diff(self, n: builtins.int = 1, dim: builtins.int = -1, prepend: Tensor | None = None, append: Tensor | None = None) -> Tensor:
        """Return the differences of neighbouring elements along an axis, n times."""
    def dist(self, other: Tensor, p: builtins.float = 2.0) -> Tensor:
        """Return the p-norm of input - other, over all elements."""
    def renorm(self, p: builtins.float, dim: builtins.int, maxnorm: builtins.float) -> Tensor:
        """Scale down the slices along an axis whose p-norm is larger than maxnorm to that norm."""
    def amax(self, dim: builtins.int | Sequence[builtins.int] | None = (), keepdim: builtins.bool = False) -> Tensor:
        """Return the largest element, of all of them or along axes; NaN where one of them is."""
    def amin(self, dim: builtins.int | Sequence[builtins.int] | None = (), keepdim: builtins.bool = False) -> Tensor:
        """Return the smallest element, of all of them or along axes; NaN where one of them is."""
    def aminmax(self, *, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> tuple[Tensor, Tensor]:
        """Return the smallest and the largest element, of all of them or along an axis."""
    def argmax(self, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
        """Return the index of the largest element, the first of those that tie; NaN counts as the largest."""
    def argmin(self, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
        """Return the index of the smallest element, the first of those that tie; NaN counts as the smallest."""
    @overload
    def max(self, dim: Tensor | None = None, keepdim: builtins.bool = False) -> Tensor:
        """Return the largest element, the largest elements along an axis and their indices, or the elementwise maximum."""
    @overload
    def max(self, dim: builtins.int, keepdim: builtins.bool = False) -> ValuesIndices:
        """Return the largest element, the largest elements along an axis and their indices, or the elementwise maximum."""
    @overload
    def max(self, *, other: Tensor | builtins.float) -> Tensor:
        """Return the largest element, the largest elements along an axis and their indices, or the elementwise maximum."""
    @overload
    def min(self, dim: Tensor | None = None, keepdim: builtins.bool = False) -> Tensor:
        """Return the smallest element, the smallest elements along an axis and their indices, or the elementwise minimum."""
    @overload
    def min(self, dim: builtins.int, keepdim: builtins.bool = False) -> ValuesIndices:
        """Return the smallest element, the smallest elements along an axis and their indices, or the elementwise minimum."""
    @overload
    def min(self, *, other: Tensor | builtins.float) -> Tensor:
        """Return the smallest element, the smallest elements along an axis and their indices, or the elementwise minimum."""
    def histc(self, bins: builtins.int = 100, min: builtins.float = 0, max: builtins.float = 0) -> Tensor:
        """Count the elements in bins of one width between min and max; the last bin holds its right edge too."""
    def histogram(self, bins: builtins.int | Tensor, *, range: tuple[builtins.float, builtins.float] | None = None, weight: Tensor | None = None, density: builtins.bool = False) -> Histogram:
        """Count the elements between edges, or add up their weights; the last bin holds its right edge too."""
    def all(self, dim: builtins.int | Sequence[builtins.int] | None = None, keepdim: builtins.bool = False) -> Tensor:
        """Return whether all elements are nonzero, of the tensor or along axes; NaN counts as nonzero."""
    def any(self, dim: builtins.int | Sequence[builtins.int] | None = None, keepdim: builtins.bool = False) -> Tensor:
        """Return whether any element is nonzero, of the tensor or along axes; NaN counts as nonzero."""
    def count_nonzero(self, dim: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
        """Return the number of nonzero elements, of the tensor or along axes."""
    def std(self, dim: builtins.int | Sequence[builtins.int] | None = None, unbiased: builtins.bool = True, keepdim: builtins.bool = False, *, correction: builtins.float | None = None) -> Tensor:
        """Return the standard deviation of the elements, of all of them or along axes."""
    def var(self, dim: builtins.int | Sequence[builtins.int] | None = None, unbiased: builtins.bool = True, keepdim: builtins.bool = False, *, correction: builtins.float | None = None) -> Tensor:
        """Return the variance of the elements, of all of them or along axes."""
    def logsumexp(self, dim: builtins.int | Sequence[builtins.int] | None, keepdim: builtins.bool = False) -> Tensor:
        """Return log(sum(exp(input))) over axes, without overflow: the largest element is subtracted before exp."""
    def norm(self, p: builtins.float | str | None = 'fro', dim: builtins.int | Sequence[builtins.int] | None = None, keepdim: builtins.bool = False, dtype: DTypeLike = None) -> Tensor:
        """Return the p-norm of the elements over axes, `sum(|x|**p)**(1 / p)`."""
    def kthvalue(self, k: builtins.int, dim: builtins.int = -1, keepdim: builtins.bool = False) -> ValuesIndices:
        """Return the k-th smallest element along an axis, and its index."""
    def mode(self, dim: builtins.int = -1, keepdim: builtins.bool = False) -> ValuesIndices:
        """Return the most frequent element along an axis, the smallest of several, and the last of its indices."""
    @overload
    def nanmedian(self, dim: None = None, keepdim: builtins.bool = False) -> Tensor:
        """Return the median of all elements that are not NaN, or the medians along an axis and their indices."""
    @overload
    def nanmedian(self, dim: builtins.int, keepdim: builtins.bool = False) -> ValuesIndices:
        """Return the median of all elements that are not NaN, or the medians along an axis and their indices."""
    def nanquantile(self, q: Tensor | builtins.float, dim: builtins.int | None = None, keepdim: builtins.bool = False, *, interpolation: str = 'linear') -> Tensor:
        """Return the q-quantiles of the elements that are not NaN, of all of them or along an axis."""
    def quantile(self, q: Tensor | builtins.float, dim: builtins.int | None = None, keepdim: builtins.bool = False, *, interpolation: str = 'linear') -> Tensor:
        """Return the q-quantiles of all elements, or along an axis: the values at rank q * (n - 1) of n elements in order."""
    def argsort(self, dim: builtins.int = -1, descending: builtins.bool = False, stable: builtins.bool = True) -> Tensor:
        """Return the indices that sort input along an axis; the order of equal elements is kept."""
    @overload
    def median(self, dim: None = None, keepdim: builtins.bool = False) -> Tensor:
        """Return the median of all elements, or the medians along an axis and their indices."""
    @overload
    def median(self, dim: builtins.int, keepdim: builtins.bool = False) -> ValuesIndices:
        """Return the median of all elements, or the medians along an axis and their indices."""
    def msort(self) -> Tensor:
        """Return the elements sorted in ascending order along the first axis."""
    def sort(self, dim: builtins.int = -1, descending: builtins.bool = False, stable: builtins.bool = True) -> ValuesIndices:
        """Return the elements sorted along an axis and their indices; the order of equal elements is kept."""
    def topk(self, k: builtins.int, dim: builtins.int = -1, largest: builtins.bool = True, sorted: builtins.bool = True) -> ValuesIndices:
        """Return the k largest or smallest elements along an axis, in order, and their indices."""
    def mean(self, dim: builtins.int | Sequence[builtins.int] | None = None, keepdim: builtins.bool = False, *, dtype: DTypeLike = None) -> Tensor:
        """Return the arithmetic mean of the elements, of all of them or along axes."""
    def nanmean(self, dim: builtins.int | Sequence[builtins.int] | None = None, keepdim: builtins.bool = False) -> Tensor:
        """Return the mean of the elements that are not NaN, of all of them or along axes."""
    def nansum(self, dim: builtins.int | Sequence[builtins.int] | None = None, keepdim: builtins.bool = False, *, dtype: DTypeLike = None) -> Tensor:
        """Return the sum of the elements that are not NaN, of all of them or along axes."""
    def prod(self, dim: builtins.int | None = None, keepdim: builtins.bool = False, *, dtype: DTypeLike = None) -> Tensor:
        """Return the product of the elements, of all of them or along axes."""
    def sum(self, dim: builtins.int | Sequence[builtins.int] | None = None, keepdim: builtins.bool = False, *, dtype: DTypeLike = None) -> Tensor:
        """Return the sum of the elements, of all of them or along axes."""
    def adjoint(self) -> Tensor:
        """Transpose matrices: swap the last two axes; there are no complex numbers to conjugate."""
    def moveaxis(self, source: builtins.int | Sequence[builtins.int], destination: builtins.int | Sequence[builtins.int]) -> Tensor:
        """Move axes to new positions; the other axes keep their order."""
    def movedim(self, source: builtins.int | Sequence[builtins.int], destination: builtins.int | Sequence[builtins.int]) -> Tensor:
        """Move axes to new positions; the other axes keep their order."""
    def permute(self, *order: builtins.int | Sequence[builtins.int], dims: Sequence[builtins.int] | None = None) -> Tensor:
        """Reorder the axes: axis i of the result is axis dims[i] of input."""
    def swapaxes(self, dim0: builtins.int, dim1: builtins.int) -> Tensor:
        """Swap two axes."""
    def swapdims(self, dim0: builtins.int, dim1: builtins.int) -> Tensor:
        """Swap two axes."""
    def t(self) -> Tensor:
        """Transpose a matrix; a vector and a 0-d tensor are returned as they are."""
    def transpose(self, dim0: builtins.int, dim1: builtins.int) -> Tensor:
        """Swap two axes."""
    def diag(self, diagonal: builtins.int = 0) -> Tensor:
        """Return the square matrix with a vector on its diagonal, or the diagonal of a matrix."""
    def diag_embed(self, offset: builtins.int = 0, dim1: builtins.int = -2, dim2: builtins.int = -1) -> Tensor:
        """Return matrices with the last axis of input on a diagonal, and zeros elsewhere."""
    def diagflat(self, offset: builtins.int = 0) -> Tensor:
        """Return the square matrix with the elements of input, in row-major order, on its diagonal."""
    def diagonal(self, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1) -> Tensor:
        """Return the diagonal of the plane of two axes as the last axis."""
    def tril(self, diagonal: builtins.int = 0) -> Tensor:
        """Return the lower triangle of matrices; the elements above the diagonal are set to 0."""
    def triu(self, diagonal: builtins.int = 0) -> Tensor:
        """Return the upper triangle of matrices; the elements below the diagonal are set to 0."""
    def flip(self, *along: builtins.int | Sequence[builtins.int], dims: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
        """Reverse the order of the elements along axes."""
    def fliplr(self) -> Tensor:
        """Reverse the order of the columns: flip the second axis."""
    def flipud(self) -> Tensor:
        """Reverse the order of the rows: flip the first axis."""
    def roll(self, shifts: builtins.int | Sequence[builtins.int], dims: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
        """Shift the elements along axes cyclically: those that leave at one end enter at the other."""
    def rot90(self, k: builtins.int = 1, dims: Sequence[builtins.int] = (0, 1)) -> Tensor:
        """Rotate by 90 degrees, k times, in the plane of two axes."""
    def chunk(self, chunks: builtins.int, dim: builtins.int = 0) -> tuple[Tensor, ...]:
        """Split a tensor along an axis into at most `chunks` parts of equal extent; the last one may be smaller."""
    def dsplit(self, indices_or_sections: builtins.int | Sequence[builtins.int]) -> tuple[Tensor, ...]:
        """Split a tensor in depth: along the third axis."""
    def hsplit(self, indices_or_sections: builtins.int | Sequence[builtins.int]) -> tuple[Tensor, ...]:
        """Split a tensor horizontally: along the second axis, or the first of a vector."""
    def split(self, split_size_or_sections: builtins.int | Sequence[builtins.int], dim: builtins.int = 0) -> tuple[Tensor, ...]:
        """Split a tensor along an axis into parts of one extent, or of the given extents."""
    def split_with_sizes(self, split_sizes: Sequence[builtins.int], dim: builtins.int = 0) -> tuple[Tensor, ...]:
        """Split a tensor along an axis into parts of the given extents."""
    def tensor_split(self, indices_or_sections: builtins.int | Sequence[builtins.int] | Tensor | None = None, dim: builtins.int = 0, *, indices: Sequence[builtins.int] | None = None, sections: builtins.int | None = None) -> tuple[Tensor, ...]:
        """Split a tensor along an axis into a number of nearly equal parts, or at the given indices."""
    def unbind(self, dim: builtins.int = 0) -> tuple[Tensor, ...]:
        """Return the slices at all indices of an axis, without that axis."""
    def vsplit(self, indices_or_sections: builtins.int | Sequence[builtins.int]) -> tuple[Tensor, ...]:
        """Split a tensor vertically: along the first axis."""
    def broadcast_to(self, size: Sequence[builtins.int]) -> Tensor:
        """Broadcast input to a shape: axes of extent 1 are repeated, and new axes are added in front."""
    def expand(self, *sizes: builtins.int | Sequence[builtins.int], size: Sequence[builtins.int] | None = None, implicit: builtins.bool = False) -> Tensor:
        """Broadcast axes of extent 1 to larger extents without copying; new axes are added in front."""
    def expand_as(self, other: Tensor) -> Tensor:
        """Broadcast input to the shape of other."""
    def repeat(self, *sizes: builtins.int | Sequence[builtins.int], repeats: Sequence[builtins.int] | None = None) -> Tensor:
        """Repeat the whole tensor along each axis; new axes are added in front."""
    def repeat_interleave(self, repeats: builtins.int, dim: builtins.int | None = None) -> Tensor:
        """Repeat each element, or each slice along an axis, `repeats` times in a row."""
    def tile(self, *sizes: builtins.int | Sequence[builtins.int], dims: Sequence[builtins.int] | None = None) -> Tensor:
        """Repeat the whole tensor along its last axes; missing axes are added in front."""
    def clone(self, *, memory_format: Any = None) -> Tensor:
        """Return a copy with its own storage; gradients flow through it."""
    def contiguous(self, *, memory_format: Any = None) -> Tensor:
        """Return input itself if its elements are contiguous in row-major order, else a contiguous copy."""
    def flatten(self, start_dim: builtins.int = 0, end_dim: builtins.int = -1) -> Tensor:
        """Return a tensor in which the axes from start_dim to end_dim are merged into one."""
    def ravel(self) -> Tensor:
        """Return the elements in row-major order as a vector, copied unless they already are contiguous in memory."""
    def reshape(self, *sizes: builtins.int | Sequence[builtins.int], shape: Sequence[builtins.int] | None = None) -> Tensor:
        """Return the elements in row-major order under another shape."""
    def reshape_as(self, other: Tensor) -> Tensor:
        """Return input in the shape of other."""
    def squeeze(self, dim: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
        """Remove axes of extent 1."""
    def unflatten(self, dim: builtins.int, sizes: Sequence[builtins.int]) -> Tensor:
        """Return a tensor in which one axis is split into several."""
    def unsqueeze(self, dim: builtins.int) -> Tensor:
        """Insert an axis of extent 1."""
    def view(self, *shape: builtins.int | Sequence[builtins.int]) -> Tensor:
        """Return the elements under another shape, as `graphc.reshape` does."""
    def view_as(self, other: Tensor) -> Tensor:
        """Return input in the shape of other."""
    def narrow(self, dim: builtins.int, start: builtins.int | Tensor, length: builtins.int) -> Tensor:
        """Return the elements start to start + length - 1 along an axis."""
    def select(self, dim: builtins.int, index: builtins.int | Tensor) -> Tensor:
        """Return the slice at one index of an axis, without that axis."""
    def unfold(self, dimension: builtins.int, size: builtins.int, step: builtins.int) -> Tensor:
        """Return all windows of `size` elements along an axis, `step` apart; the window is the last axis of the result."""
    def frexp(self) -> Frexp:
        """Split floats into mantissas, in [0.5, 1) in magnitude, and exponents of 2."""
    def ldexp(self, other: Tensor) -> Tensor:
        """Return input * 2 ** other, as torch does: infinite where the power is."""
    def nextafter(self, other: Tensor) -> Tensor:
        """Return the float next to input in the direction of other; input where both are equal. There is no gradient."""
    def cpu(self, memory_format: Any = None) -> Tensor:
        """Return this tensor: it is on the CPU."""
    def is_floating_point(self) -> builtins.bool:
        """Return whether the dtype is float32 or float64."""
    def new(self, *args: Any, **keywords: Any) -> Tensor:
        """Return a tensor of sizes or of data, in this tensor's dtype."""
    def polygamma(self, n: builtins.int) -> Tensor:
        """Return the n-th derivative of the digamma function."""
    @overload
    def to(self, dtype: DTypeLike = None, non_blocking: builtins.bool = False, copy: builtins.bool = False) -> Tensor:
        """Convert the dtype."""
    @overload
    def to(self, device: str | device | None, dtype: DTypeLike = None, non_blocking: builtins.bool = False, copy: builtins.bool = False) -> Tensor:
        """Convert the dtype."""
    @overload
    def to(self, other: Tensor, non_blocking: builtins.bool = False, copy: builtins.bool = False) -> Tensor:
        """Convert the dtype."""
    @overload
    def type(self, dtype: None = None) -> str:
        """Convert the dtype, or return the name of the tensor's type."""
    @overload
    def type(self, dtype: dtype | TensorType | str) -> Tensor:
        """Convert the dtype, or return the name of the tensor's type."""
    def type_as(self, other: Tensor) -> Tensor:
        """Convert to the dtype of another tensor."""
    def bernoulli_(self, p: builtins.float = 0.5, *, generator: Generator | None = None) -> Tensor:
        """Write ones with probability `p`, and zeros elsewhere."""
    def exponential_(self, lambd: builtins.float = 1.0, *, generator: Generator | None = None) -> Tensor:
        """Write exponentially distributed random numbers to all elements."""
    def fill_(self, value: Tensor | builtins.float) -> Tensor:
        """Write one number to all elements."""
    def normal_(self, mean: builtins.float = 0.0, std: builtins.float = 1.0, *, generator: Generator | None = None) -> Tensor:
        """Write normally distributed random numbers to all elements."""
    def random_(self, from_: builtins.int = 0, to: builtins.int | None = None, *, generator: Generator | None = None) -> Tensor:
        """Write random integers, uniform in `[from_, to)`, to all elements."""
    def uniform_(self, from_: builtins.float = 0.0, to: builtins.float = 1.0, *, generator: Generator | None = None) -> Tensor:
        """Write random numbers, uniform in `[from_, to)`, to all elements."""
    def zero_(self) -> Tensor:
        """Write zeros to all elements."""
    def cuda(self, device: Any = None, non_blocking: builtins.bool = False, memory_format: Any = None) -> Tensor:
        """Raise RuntimeError: graphc computes on the CPU; `graphc.cuda.is_available()` says so."""
    def get_device(self) -> builtins.int:
        """Return -1, as torch does for the CPU."""
    def is_complex(self) -> builtins.bool:
        """Return False: there are no complex dtypes yet."""
    def is_pinned(self, device: Any = None) -> builtins.bool:
        """Return False: there is no pinned memory."""
    def pin_memory(self, device: Any = None) -> Tensor:
        """Return this tensor: there is no device that would need pinned memory."""
    @property
    def is_cuda(self) -> Tensor: ...
    @property
    def is_sparse(self) -> Tensor: ...
    @property
    def is_quantized(self) -> Tensor: ...
    @property
    def is_mps(self) -> Tensor: ...
    @property
    def is_meta(self) -> Tensor: ...
    @property
    def is_mkldnn(self) -> Tensor: ...
    @property
    def is_xpu(self) -> Tensor: ...
    @property
    def is_cpu(self) -> Tensor: ...
    @property
    def layout(self) -> Tensor: ...
    def erfc(self) -> Tensor:
        """Return the complementary error function, 1 - erf(input), accurate where it is small."""
    def erfinv(self) -> Tensor:
        """Return the inverse error function: infinite at -1 and 1, NaN outside."""
    def i0(self) -> Tensor:
        """Return the modified Bessel function of the first kind of order 0."""
    def igamma(self, other: Tensor | builtins.float) -> Tensor:
        """Return the regularized lower incomplete gamma function P(input, other)."""
    def igammac(self, other: Tensor | builtins.float) -> Tensor:
        """Return the regularized upper incomplete gamma function Q(input, other), 1 - P(input, other)."""
    def mvlgamma(self, p: builtins.int) -> Tensor:
        """Return the logarithm of the multivariate gamma function of dimension p."""
    def float(self) -> Tensor:
        """Convert to torch.float32; return this tensor if it has that dtype already."""
    def double(self) -> Tensor:
        """Convert to torch.float64; return this tensor if it has that dtype already."""
    def int(self) -> Tensor:
        """Convert to torch.int32; return this tensor if it has that dtype already."""
    def long(self) -> Tensor:
        """Convert to torch.int64; return this tensor if it has that dtype already."""
    def bool(self) -> Tensor:
        """Convert to torch.bool; return this tensor if it has that dtype already."""
    def byte(self) -> Tensor:
        """Convert to torch.uint8; return this tensor if it has that dtype already."""
    def new_zeros(self, *sizes: builtins.int | Sequence[builtins.int], size: builtins.int | Sequence[builtins.int] | None = None, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
        """Call `graphc.zeros` with this tensor's dtype as the default."""
    def new_ones(self, *sizes: builtins.int | Sequence[builtins.int], size: builtins.int | Sequence[builtins.int] | None = None, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
        """Call `graphc.ones` with this tensor's dtype as the default."""
    def new_full(self, size: builtins.int | Sequence[builtins.int], fill_value: builtins.float, *, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
        """Call `graphc.full` with this tensor's dtype as the default."""
    def new_empty(self, *sizes: builtins.int | Sequence[builtins.int], size: builtins.int | Sequence[builtins.int] | None = None, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
        """Call `graphc.empty` with this tensor's dtype as the default."""
    def new_tensor(self, data: Any, *, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
        """Call `graphc.tensor` with this tensor's dtype as the default."""
    def __getitem__(self, index: Any) -> Tensor:
        """Return the elements at an index; integers, slices, None and ... give a view, tensors and lists a copy."""
    def __setitem__(self, index: Any, value: Any) -> None:
        """Write a number or a tensor, broadcast and converted to this dtype, to the elements at an index."""
    def __contains__(self, element: Tensor | builtins.float) -> builtins.bool:
        """Return whether any element equals the given number."""
    def where(self, condition: Tensor, other: Tensor | builtins.float) -> Tensor:
        """Return this tensor's elements where a condition holds, and those of another one elsewhere."""
    def ndimension(self) -> builtins.int:
        """Return the number of axes."""
    @property
    def T(self) -> Tensor: ...
    @property
    def mT(self) -> Tensor: ...
    @property
    def mH(self) -> Tensor: ...
    @property
    def H(self) -> Tensor: ...
    def is_conj(self) -> builtins.bool:
        """Return False: no tensor is conjugated lazily."""
    def is_inference(self) -> builtins.bool:
        """Return False: tensors of `graphc.inference_mode` can be used for gradients later."""
    def is_neg(self) -> builtins.bool:
        """Return False: no tensor is negated lazily."""
    def is_nonzero(self) -> builtins.bool:
        """Return whether the only element of a tensor is not zero."""
    def is_same_size(self, other: Tensor) -> builtins.bool:
        """Return whether two tensors have the same shape."""
    def is_signed(self) -> builtins.bool:
        """Return whether the dtype of a tensor has negative numbers."""
    def __neg__(self) -> Tensor:
        """Return -input."""
    def __pos__(self) -> Tensor:
        """Return input itself."""
    def __abs__(self) -> Tensor:
        """Return the absolute value of input, with derivative 0 at 0."""
    def __invert__(self) -> Tensor:
        """Invert every bit of input: return -input - 1 for signed integers, the negation for bools."""
    def __add__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __radd__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __sub__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __rsub__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __mul__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __rmul__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __truediv__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __rtruediv__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __floordiv__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __mod__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __pow__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __rpow__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __matmul__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __eq__(self, other: object) -> Tensor: ...  # type: ignore[override]
    def __ne__(self, other: object) -> Tensor: ...  # type: ignore[override]
    def __lt__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __le__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __gt__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __ge__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __and__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __rand__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __or__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __ror__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __xor__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __rxor__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __lshift__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __rshift__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __rfloordiv__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __rmod__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __rmatmul__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __rlshift__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __rrshift__(self, other: Tensor | builtins.float) -> Tensor: ...
    def abs_(self) -> Tensor:
        """In-place form of `abs`: write its result into this tensor, and return this tensor."""
    def absolute_(self) -> Tensor:
        """In-place form of `absolute`: write its result into this tensor, and return this tensor."""
    def acos_(self) -> Tensor:
        """In-place form of `acos`: write its result into this tensor, and return this tensor."""
    def acosh_(self) -> Tensor:
        """In-place form of `acosh`: write its result into this tensor, and return this tensor."""
    def add_(self, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor:
        """In-place form of `add`: write its result into this tensor, and return this tensor."""
    def addbmm_(self, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """In-place form of `addbmm`: write its result into this tensor, and return this tensor."""
    def addcdiv_(self, tensor1: Tensor, tensor2: Tensor, *, value: builtins.float = 1) -> Tensor:
        """In-place form of `addcdiv`: write its result into this tensor, and return this tensor."""
    def addcmul_(self, tensor1: Tensor, tensor2: Tensor, *, value: builtins.float = 1) -> Tensor:
        """In-place form of `addcmul`: write its result into this tensor, and return this tensor."""
    def addmm_(self, mat1: Tensor, mat2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """In-place form of `addmm`: write its result into this tensor, and return this tensor."""
    def addmv_(self, mat: Tensor, vec: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """In-place form of `addmv`: write its result into this tensor, and return this tensor."""
    def addr_(self, vec1: Tensor, vec2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """In-place form of `addr`: write its result into this tensor, and return this tensor."""
    def arccos_(self) -> Tensor:
        """In-place form of `arccos`: write its result into this tensor, and return this tensor."""
    def arccosh_(self) -> Tensor:
        """In-place form of `arccosh`: write its result into this tensor, and return this tensor."""
    def arcsin_(self) -> Tensor:
        """In-place form of `arcsin`: write its result into this tensor, and return this tensor."""
    def arcsinh_(self) -> Tensor:
        """In-place form of `arcsinh`: write its result into this tensor, and return this tensor."""
    def arctan_(self) -> Tensor:
        """In-place form of `arctan`: write its result into this tensor, and return this tensor."""
    def arctan2_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `arctan2`: write its result into this tensor, and return this tensor."""
    def arctanh_(self) -> Tensor:
        """In-place form of `arctanh`: write its result into this tensor, and return this tensor."""
    def asin_(self) -> Tensor:
        """In-place form of `asin`: write its result into this tensor, and return this tensor."""
    def asinh_(self) -> Tensor:
        """In-place form of `asinh`: write its result into this tensor, and return this tensor."""
    def atan_(self) -> Tensor:
        """In-place form of `atan`: write its result into this tensor, and return this tensor."""
    def atan2_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `atan2`: write its result into this tensor, and return this tensor."""
    def atanh_(self) -> Tensor:
        """In-place form of `atanh`: write its result into this tensor, and return this tensor."""
    def baddbmm_(self, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """In-place form of `baddbmm`: write its result into this tensor, and return this tensor."""
    def bitwise_and_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `bitwise_and`: write its result into this tensor, and return this tensor."""
    def bitwise_left_shift_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `bitwise_left_shift`: write its result into this tensor, and return this tensor."""
    def bitwise_not_(self) -> Tensor:
        """In-place form of `bitwise_not`: write its result into this tensor, and return this tensor."""
    def bitwise_or_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `bitwise_or`: write its result into this tensor, and return this tensor."""
    def bitwise_right_shift_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `bitwise_right_shift`: write its result into this tensor, and return this tensor."""
    def bitwise_xor_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `bitwise_xor`: write its result into this tensor, and return this tensor."""
    def ceil_(self) -> Tensor:
        """In-place form of `ceil`: write its result into this tensor, and return this tensor."""
    def clamp_(self, min: Tensor | builtins.float | None = None, max: Tensor | builtins.float | None = None) -> Tensor:
        """In-place form of `clamp`: write its result into this tensor, and return this tensor."""
    def clamp_max_(self, max: Tensor | builtins.float) -> Tensor:
        """In-place form of `clamp_max`: write its result into this tensor, and return this tensor."""
    def clamp_min_(self, min: Tensor | builtins.float) -> Tensor:
        """In-place form of `clamp_min`: write its result into this tensor, and return this tensor."""
    def clip_(self, min: Tensor | builtins.float | None = None, max: Tensor | builtins.float | None = None) -> Tensor:
        """In-place form of `clip`: write its result into this tensor, and return this tensor."""
    def copysign_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `copysign`: write its result into this tensor, and return this tensor."""
    def cos_(self) -> Tensor:
        """In-place form of `cos`: write its result into this tensor, and return this tensor."""
    def cosh_(self) -> Tensor:
        """In-place form of `cosh`: write its result into this tensor, and return this tensor."""
    def cumprod_(self, dim: builtins.int, *, dtype: DTypeLike = None) -> Tensor:
        """In-place form of `cumprod`: write its result into this tensor, and return this tensor."""
    def cumsum_(self, dim: builtins.int, *, dtype: DTypeLike = None) -> Tensor:
        """In-place form of `cumsum`: write its result into this tensor, and return this tensor."""
    def deg2rad_(self) -> Tensor:
        """In-place form of `deg2rad`: write its result into this tensor, and return this tensor."""
    def digamma_(self) -> Tensor:
        """In-place form of `digamma`: write its result into this tensor, and return this tensor."""
    def div_(self, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Tensor:
        """In-place form of `div`: write its result into this tensor, and return this tensor."""
    def divide_(self, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Tensor:
        """In-place form of `divide`: write its result into this tensor, and return this tensor."""
    def eq_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `eq`: write its result into this tensor, and return this tensor."""
    def erf_(self) -> Tensor:
        """In-place form of `erf`: write its result into this tensor, and return this tensor."""
    def erfc_(self) -> Tensor:
        """In-place form of `erfc`: write its result into this tensor, and return this tensor."""
    def erfinv_(self) -> Tensor:
        """In-place form of `erfinv`: write its result into this tensor, and return this tensor."""
    def exp_(self) -> Tensor:
        """In-place form of `exp`: write its result into this tensor, and return this tensor."""
    def exp2_(self) -> Tensor:
        """In-place form of `exp2`: write its result into this tensor, and return this tensor."""
    def expm1_(self) -> Tensor:
        """In-place form of `expm1`: write its result into this tensor, and return this tensor."""
    def fix_(self) -> Tensor:
        """In-place form of `fix`: write its result into this tensor, and return this tensor."""
    def float_power_(self, exponent: Tensor | builtins.float) -> Tensor:
        """In-place form of `float_power`: write its result into this tensor, and return this tensor."""
    def floor_(self) -> Tensor:
        """In-place form of `floor`: write its result into this tensor, and return this tensor."""
    def floor_divide_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `floor_divide`: write its result into this tensor, and return this tensor."""
    def fmod_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `fmod`: write its result into this tensor, and return this tensor."""
    def frac_(self) -> Tensor:
        """In-place form of `frac`: write its result into this tensor, and return this tensor."""
    def gcd_(self, other: Tensor) -> Tensor:
        """In-place form of `gcd`: write its result into this tensor, and return this tensor."""
    def ge_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `ge`: write its result into this tensor, and return this tensor."""
    def greater_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `greater`: write its result into this tensor, and return this tensor."""
    def greater_equal_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `greater_equal`: write its result into this tensor, and return this tensor."""
    def gt_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `gt`: write its result into this tensor, and return this tensor."""
    def heaviside_(self, values: Tensor | builtins.float) -> Tensor:
        """In-place form of `heaviside`: write its result into this tensor, and return this tensor."""
    def hypot_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `hypot`: write its result into this tensor, and return this tensor."""
    def i0_(self) -> Tensor:
        """In-place form of `i0`: write its result into this tensor, and return this tensor."""
    def igamma_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `igamma`: write its result into this tensor, and return this tensor."""
    def igammac_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `igammac`: write its result into this tensor, and return this tensor."""
    def index_add_(self, dim: builtins.int, index: Tensor, source: Tensor, *, alpha: builtins.float = 1) -> Tensor:
        """In-place form of `index_add`: write its result into this tensor, and return this tensor."""
    def index_copy_(self, dim: builtins.int, index: Tensor, source: Tensor) -> Tensor:
        """In-place form of `index_copy`: write its result into this tensor, and return this tensor."""
    def index_fill_(self, dim: builtins.int, index: Tensor, value: Tensor | builtins.float) -> Tensor:
        """In-place form of `index_fill`: write its result into this tensor, and return this tensor."""
    def index_put_(self, indices: Sequence[Tensor], values: Tensor | builtins.float, accumulate: builtins.bool = False) -> Tensor:
        """In-place form of `index_put`: write its result into this tensor, and return this tensor."""
    def index_reduce_(self, dim: builtins.int, index: Tensor, source: Tensor, reduce: str, *, include_self: builtins.bool = True) -> Tensor:
        """In-place form of `index_reduce`: write its result into this tensor, and return this tensor."""
    def lcm_(self, other: Tensor) -> Tensor:
        """In-place form of `lcm`: write its result into this tensor, and return this tensor."""
    def ldexp_(self, other: Tensor) -> Tensor:
        """In-place form of `ldexp`: write its result into this tensor, and return this tensor."""
    def le_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `le`: write its result into this tensor, and return this tensor."""
    def lerp_(self, end: Tensor, weight: Tensor | builtins.float) -> Tensor:
        """In-place form of `lerp`: write its result into this tensor, and return this tensor."""
    def less_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `less`: write its result into this tensor, and return this tensor."""
    def less_equal_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `less_equal`: write its result into this tensor, and return this tensor."""
    def lgamma_(self) -> Tensor:
        """In-place form of `lgamma`: write its result into this tensor, and return this tensor."""
    def log_(self) -> Tensor:
        """In-place form of `log`: write its result into this tensor, and return this tensor."""
    def log10_(self) -> Tensor:
        """In-place form of `log10`: write its result into this tensor, and return this tensor."""
    def log1p_(self) -> Tensor:
        """In-place form of `log1p`: write its result into this tensor, and return this tensor."""
    def log2_(self) -> Tensor:
        """In-place form of `log2`: write its result into this tensor, and return this tensor."""
    def logical_and_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `logical_and`: write its result into this tensor, and return this tensor."""
    def logical_not_(self) -> Tensor:
        """In-place form of `logical_not`: write its result into this tensor, and return this tensor."""
    def logical_or_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `logical_or`: write its result into this tensor, and return this tensor."""
    def logical_xor_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `logical_xor`: write its result into this tensor, and return this tensor."""
    def logit_(self, eps: builtins.float | None = None) -> Tensor:
        """In-place form of `logit`: write its result into this tensor, and return this tensor."""
    def lt_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `lt`: write its result into this tensor, and return this tensor."""
    def masked_fill_(self, mask: Tensor, value: Tensor | builtins.float) -> Tensor:
        """In-place form of `masked_fill`: write its result into this tensor, and return this tensor."""
    def masked_scatter_(self, mask: Tensor, source: Tensor) -> Tensor:
        """In-place form of `masked_scatter`: write its result into this tensor, and return this tensor."""
    def mul_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `mul`: write its result into this tensor, and return this tensor."""
    def multiply_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `multiply`: write its result into this tensor, and return this tensor."""
    def mvlgamma_(self, p: builtins.int) -> Tensor:
        """In-place form of `mvlgamma`: write its result into this tensor, and return this tensor."""
    def nan_to_num_(self, nan: builtins.float | None = None, posinf: builtins.float | None = None, neginf: builtins.float | None = None) -> Tensor:
        """In-place form of `nan_to_num`: write its result into this tensor, and return this tensor."""
    def ne_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `ne`: write its result into this tensor, and return this tensor."""
    def neg_(self) -> Tensor:
        """In-place form of `neg`: write its result into this tensor, and return this tensor."""
    def negative_(self) -> Tensor:
        """In-place form of `negative`: write its result into this tensor, and return this tensor."""
    def nextafter_(self, other: Tensor) -> Tensor:
        """In-place form of `nextafter`: write its result into this tensor, and return this tensor."""
    def not_equal_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `not_equal`: write its result into this tensor, and return this tensor."""
    def polygamma_(self, n: builtins.int) -> Tensor:
        """In-place form of `polygamma`: write its result into this tensor, and return this tensor."""
    def pow_(self, exponent: Tensor | builtins.float) -> Tensor:
        """In-place form of `pow`: write its result into this tensor, and return this tensor."""
    def put_(self, index: Tensor, source: Tensor, accumulate: builtins.bool = False) -> Tensor:
        """In-place form of `put`: write its result into this tensor, and return this tensor."""
    def rad2deg_(self) -> Tensor:
        """In-place form of `rad2deg`: write its result into this tensor, and return this tensor."""
    def reciprocal_(self) -> Tensor:
        """In-place form of `reciprocal`: write its result into this tensor, and return this tensor."""
    def relu_(self, inplace: builtins.bool = False) -> Tensor:
        """In-place form of `relu`: write its result into this tensor, and return this tensor."""
    def remainder_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `remainder`: write its result into this tensor, and return this tensor."""
    def renorm_(self, p: builtins.float, dim: builtins.int, maxnorm: builtins.float) -> Tensor:
        """In-place form of `renorm`: write its result into this tensor, and return this tensor."""
    def round_(self, *, decimals: builtins.int = 0) -> Tensor:
        """In-place form of `round`: write its result into this tensor, and return this tensor."""
    def rsqrt_(self) -> Tensor:
        """In-place form of `rsqrt`: write its result into this tensor, and return this tensor."""
    def scatter_(self, dim: builtins.int, index: Tensor, src: Tensor | builtins.float | None = None, *, value: Tensor | builtins.float | None = None, reduce: str | None = None) -> Tensor:
        """In-place form of `scatter`: write its result into this tensor, and return this tensor."""
    def scatter_add_(self, dim: builtins.int, index: Tensor, src: Tensor) -> Tensor:
        """In-place form of `scatter_add`: write its result into this tensor, and return this tensor."""
    def scatter_reduce_(self, dim: builtins.int, index: Tensor, src: Tensor, reduce: str, *, include_self: builtins.bool = True) -> Tensor:
        """In-place form of `scatter_reduce`: write its result into this tensor, and return this tensor."""
    def sgn_(self) -> Tensor:
        """In-place form of `sgn`: write its result into this tensor, and return this tensor."""
    def sigmoid_(self) -> Tensor:
        """In-place form of `sigmoid`: write its result into this tensor, and return this tensor."""
    def sign_(self) -> Tensor:
        """In-place form of `sign`: write its result into this tensor, and return this tensor."""
    def sin_(self) -> Tensor:
        """In-place form of `sin`: write its result into this tensor, and return this tensor."""
    def sinc_(self) -> Tensor:
        """In-place form of `sinc`: write its result into this tensor, and return this tensor."""
    def sinh_(self) -> Tensor:
        """In-place form of `sinh`: write its result into this tensor, and return this tensor."""
    def sqrt_(self) -> Tensor:
        """In-place form of `sqrt`: write its result into this tensor, and return this tensor."""
    def square_(self) -> Tensor:
        """In-place form of `square`: write its result into this tensor, and return this tensor."""
    def sub_(self, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor:
        """In-place form of `sub`: write its result into this tensor, and return this tensor."""
    def subtract_(self, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor:
        """In-place form of `subtract`: write its result into this tensor, and return this tensor."""
    def tan_(self) -> Tensor:
        """In-place form of `tan`: write its result into this tensor, and return this tensor."""
    def tanh_(self) -> Tensor:
        """In-place form of `tanh`: write its result into this tensor, and return this tensor."""
    def tril_(self, diagonal: builtins.int = 0) -> Tensor:
        """In-place form of `tril`: write its result into this tensor, and return this tensor."""
    def triu_(self, diagonal: builtins.int = 0) -> Tensor:
        """In-place form of `triu`: write its result into this tensor, and return this tensor."""
    def true_divide_(self, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Tensor:
        """In-place form of `true_divide`: write its result into this tensor, and return this tensor."""
    def trunc_(self) -> Tensor:
        """In-place form of `trunc`: write its result into this tensor, and return this tensor."""
    def xlogy_(self, other: Tensor | builtins.float) -> Tensor:
        """In-place form of `xlogy`: write its result into this tensor, and return this tensor."""
    def __iadd__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __isub__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __imul__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __itruediv__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __ifloordiv__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __imod__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __ipow__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __iand__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __ior__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __ixor__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __ilshift__(self, other: Tensor | builtins.float) -> Tensor: ...
    def __irshift__(self, other: Tensor | builtins.float) -> Tensor: ...
    def backward(self, gradient: Tensor | None = None, retain_graph: builtins.bool | None = None, create_graph: builtins.bool = False, inputs: Tensors | None = None) -> None:
        """Add the gradients of this tensor to the `.grad` of the leaves that it depends on."""
    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a function with every gradient with respect to this tensor."""
    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call a function with this leaf whenever a gradient was added to its `.grad`."""
