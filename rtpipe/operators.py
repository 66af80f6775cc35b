"""Which operators of PyTorch a bundle may call: those that compute, and look first.

A list of what is allowed, for of torch's 1,700 operators many believe a place or a
shape that they are told, and write there.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rtpipe.errors import BundleError

_NUMBERS = """
    abs absolute acos acosh add addcdiv addcmul angle arccos arccosh arcsin arcsinh
    arctan arctan2 arctanh asin asinh atan atan2 atanh bitwise_and bitwise_left_shift
    bitwise_not bitwise_or bitwise_right_shift bitwise_xor ceil clamp clamp_max
    clamp_min clip conj conj_physical copysign cos cosh deg2rad digamma div divide
    divmod eq erf erfc erfinv exp exp2 expm1 fabs fix float_power floor floor_divide
    floordiv fmax fmin fmod frac ge greater greater_equal gt heaviside hypot imag
    isclose isfinite isinf isnan isneginf isposinf isreal ldexp le lerp less less_equal
    lgamma log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or
    logical_xor logit lt masked_fill mathremainder max maximum min minimum mul multiply
    nan_to_num ne neg negative nextafter not_equal polar positive pow rad2deg real
    reciprocal remainder resolve_conj resolve_neg round rsqrt rsub sgn sigmoid sign
    signbit sin sinc sinh special_entr special_erf special_erfc special_erfinv
    special_expit special_expm1 special_gammaln special_log1p special_log_softmax
    special_logit special_logsumexp special_psi special_softmax special_xlogy sqrt
    square sub subtract tan tanh true_divide trunc where xlogy
    __and__ __iand__ __ilshift__ __ior__ __irshift__ __ixor__ __lshift__ __or__
    __round_to_zero_floordiv __rshift__ __xor__
"""
_REDUCTIONS = """
    all allclose amax amin aminmax any argmax argmin argsort bucketize corrcoef
    count_nonzero cov cummax cummin cumprod cumsum cumulative_trapezoid diff dist equal
    kthvalue logcumsumexp logsumexp mean median mode msort nanmean nanmedian
    nanquantile nansum norm prod quantile sort std std_mean sum topk trapezoid trapz var
    var_mean
"""
_SHAPES = """
    adjoint atleast_1d atleast_2d atleast_3d broadcast_tensors broadcast_to cat chunk
    clone column_stack concat concatenate contiguous copy cpu cuda detach diag
    diag_embed diagonal dsplit dstack expand expand_as fill_diagonal flatten flip
    fliplr flipud hsplit hstack mH mT matrix_H meshgrid moveaxis movedim narrow
    numpy_T permute ravel repeat reshape reshape_as roll rot90 row_stack select slice
    split split_with_sizes squeeze stack swapaxes swapdims t tensor_split tile to
    transpose tril triu type_as unbind unflatten unfold unsafe_chunk unsafe_split
    unsafe_split_with_sizes unsqueeze view view_as view_as_complex view_as_real vsplit
    vstack
"""
# Each says so where a place is none.
_PLACES = """
    argwhere gather index index_add index_copy index_fill index_put index_reduce
    index_select masked_select nonzero nonzero_numpy one_hot put scatter scatter_add
    scatter_reduce take take_along_dim tril_indices triu_indices
"""
_MAKERS = """
    arange as_tensor bernoulli blackman_window complex empty_like eye fill full
    full_like hamming_window hann_window kaiser_window linspace logspace new_full
    new_ones new_zeros normal ones ones_like rand rand_like randn randn_like
    scalar_tensor tensor uniform zero zeros zeros_like
"""
_LINEAR = """
    addbmm addmm addmv addr baddbmm bmm cdist chain_matmul cholesky cholesky_inverse
    cholesky_solve cosine_similarity cross det dot einsum inner inverse kron
    linalg_cholesky linalg_cholesky_ex linalg_cond linalg_cross linalg_det
    linalg_diagonal linalg_eig linalg_eigh linalg_eigvals linalg_eigvalsh linalg_inv
    linalg_inv_ex linalg_lstsq linalg_matmul linalg_matrix_exp linalg_matrix_norm
    linalg_matrix_power linalg_matrix_rank linalg_multi_dot linalg_norm linalg_pinv
    linalg_qr linalg_slogdet linalg_solve linalg_solve_ex linalg_solve_triangular
    linalg_svd linalg_svdvals linalg_vecdot linalg_vector_norm logdet matmul matrix_exp
    matrix_power mm mv outer pairwise_distance pinverse qr slogdet svd tensordot trace
    vdot
"""
_FOURIER = """
    fft_fft fft_fft2 fft_fftfreq fft_fftn fft_fftshift fft_hfft fft_ifft fft_ifft2
    fft_ifftn fft_ifftshift fft_ihfft fft_irfft fft_irfft2 fft_irfftn fft_rfft
    fft_rfft2 fft_rfftfreq fft_rfftn istft stft
"""
_LAYERS = """
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
    adaptive_max_pool2d adaptive_max_pool3d alpha_dropout avg_pool1d avg_pool2d
    avg_pool3d batch_norm bilinear celu channel_shuffle col2im constant_pad_nd conv1d
    conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution dropout
    elu embedding embedding_bag feature_alpha_dropout feature_dropout gelu glu
    group_norm gru gru_cell hardshrink hardsigmoid hardswish hardtanh im2col
    instance_norm layer_norm leaky_relu linear log_sigmoid log_softmax lstm lstm_cell
    max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d
    max_pool3d_with_indices mish pad pixel_shuffle pixel_unshuffle prelu
    reflection_pad1d reflection_pad2d reflection_pad3d relu relu6 replication_pad1d
    replication_pad2d replication_pad3d rms_norm rnn_relu rnn_relu_cell rnn_tanh
    rnn_tanh_cell rrelu scaled_dot_product_attention selu silu softmax softplus
    softshrink threshold upsample_bicubic2d upsample_bilinear2d upsample_linear1d
    upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d
    _convolution _convolution_mode _upsample_bicubic2d_aa _upsample_bilinear2d_aa
    _upsample_lanczos2d_aa _upsample_nearest_exact1d _upsample_nearest_exact2d
    _upsample_nearest_exact3d _native_multi_head_attention
    _transformer_encoder_layer_fwd _nested_tensor_from_mask
    _nested_tensor_from_mask_left_aligned to_padded_tensor
"""
# Lists, texts, dictionaries, and what a tensor says of itself.
_VALUES = """
    Bool Complex ComplexImplicit Delete Float FloatImplicit Int IntImplicit
    ScalarImplicit Size __contains__ __derive_index __getitem__ __is__ __isnot__
    __not__ __range_length _set_item _unwrap_optional _get_tracing_state append clear
    count device dict dim element_size endswith extend find format get get_device
    insert is_autocast_cpu_enabled is_autocast_enabled is_complex is_contiguous
    is_floating_point is_grad_enabled is_nonzero is_same_size is_scripting is_signed
    item items join keys len list lower numel ord percentFormat pop promote_types
    range remove replace requires_grad result_type reverse setdefault size sorted
    startswith storage_offset str stride strip update upper values
"""
_COMPUTE = frozenset(
    f"{_NUMBERS} {_REDUCTIONS} {_SHAPES} {_PLACES} {_MAKERS} {_LINEAR} {_FOURIER} "
    f"{_LAYERS} {_VALUES}".split()
)
# Of this one alone a single form: another believes how often things are repeated.
_FORM = {"repeat_interleave": "aten::repeat_interleave.self_int("}
_WARNING = "aten::warn"  # of torch's own layers too: taken out, for it says anything
# What stands between the operators: values, branches, loops, calls.
_LANGUAGE = frozenset(
    """
    Constant If Loop CallFunction CallMethod RaiseException GetAttr SetAttr hasattr
    CreateObject isinstance TupleSlice ListConstruct ListUnpack DictConstruct
    TupleConstruct TupleUnpack TupleIndex StringIndex ModuleContainerIndex EnumName
    EnumValue NumToTensor ConstantChunk Uninitialized unchecked_cast
    unchecked_unwrap_optional rangelist tolist device dtype layout itemsize nbytes data
    requires_grad abs max min is_cpu is_cuda is_meta is_mps is_nested is_quantized
    is_sparse index name type shape Return
    """.split()
)
# What a value may be taken for unasked: torch looks at these again, not at others.
_CHECKED = ("TensorType", "IntType", "FloatType", "BoolType", "StringType")


def refuse_operators(path: Path, graph: Any) -> None:
    """Raise unless a graph calls operators alone that compute; take its warnings out.

    Parameters
    ----------
    path : Path
        Of the bundle, for the error.
    graph : torch.Graph
        Of a function, compiled and not yet run: however its text was written, this is
        what would run.

    Raises
    ------
    BundleError
        Naming the first other one.
    """
    for node in list(_nodes(graph)):
        kind = node.kind()
        space, _, name = kind.partition("::")
        if kind == _WARNING:
            node.destroy()
        elif kind == "prim::unchecked_cast" and not _is_cast(node):
            raise BundleError(
                f"{path} is refused: its program takes a value for another: declare "
                "its type, or Optional of it"
            )
        elif not _is_allowed(space, name, node):
            called = name if space == "aten" else kind
            raise BundleError(
                f"{path} is refused: its program calls {called!r}, which is not among "
                "the operators a bundle may call: write it with others, as "
                "docs/security.md says"
            )


def _is_allowed(space: str, name: str, node: Any) -> bool:
    if space != "aten":
        return space == "prim" and name in _LANGUAGE
    if name in _FORM:
        return str(node.schema()).startswith(_FORM[name])
    # With an underscore more it does the same in place.
    return name in _COMPUTE or re.sub("(?<=[^_])_$", "", name) in _COMPUTE


def _is_cast(node: Any) -> bool:
    """Tell whether a value can only be what it is taken for, or is looked at again."""
    (given,), (taken,) = node.inputs(), node.outputs()
    before, after = given.type(), taken.type()
    if before.kind() == "OptionalType":
        before = before.getElementType()
    return before.annotation_str == after.annotation_str or after.kind() in _CHECKED


def _nodes(graph: Any) -> Iterator[Any]:
    """Yield each node of a graph, and of the graphs in it."""
    graphs = [graph]
    while graphs:
        for node in graphs.pop().nodes():
            yield node
            graphs += node.blocks()
            for name in node.attributeNames():
                if node.kindOf(name) == "g":
                    graphs.append(node.g(name))
                elif node.kindOf(name) == "gs":
                    graphs += node.gs(name)
