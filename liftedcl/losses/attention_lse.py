"""Attention over keys that are also the values, and its log-sum-exp, without storing the logits.

PyTorch's flash kernels compute both at once, but only private operators return the log-sum-exp. Such an operator is
used only if its schema is the one pinned here. Otherwise `chunked_attention` computes with public operators.
"""

from collections.abc import Callable

import torch
from torch import Tensor

CPU_SCHEMA = (
    "aten::_scaled_dot_product_flash_attention_for_cpu(Tensor query, Tensor key, Tensor value, float dropout_p=0., "
    "bool is_causal=False, *, Tensor? attn_mask=None, float? scale=None) -> (Tensor output, Tensor logsumexp)"
)
CUDA_SCHEMA = (
    "aten::_scaled_dot_product_flash_attention(Tensor query, Tensor key, Tensor value, float dropout_p=0., "
    "bool is_causal=False, bool return_debug_mask=False, *, float? scale=None) -> (Tensor output, Tensor logsumexp, "
    "Tensor cum_seq_q, Tensor cum_seq_k, SymInt max_q, SymInt max_k, Tensor rng_state, Tensor unused, "
    "Tensor debug_attn_mask)"
)

Kernel = Callable[..., tuple]


def pinned_kernel(schema: str) -> Kernel | None:
    """The operator with exactly this ``schema``, or None if this PyTorch has no such operator."""
    name = schema.removeprefix("aten::").partition("(")[0]
    operator = getattr(getattr(torch.ops.aten, name, None), "default", None)
    return operator if operator is not None and str(operator._schema) == schema else None


_CPU_KERNEL = pinned_kernel(CPU_SCHEMA)
_CUDA_KERNEL = pinned_kernel(CUDA_SCHEMA)
_CHUNK_LOGITS = 2**21  # 8 MB in float32


def attention(queries: Tensor, keys: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """softmax(scale QK^T) K and the log-sum-exp of scale QK^T over the keys, in the fastest available way.

    CPU: a flash kernel in float32, to which half-precision inputs are widened. CUDA: a flash kernel for queries in
    bfloat16 or float16, or in float32 under autocast to one of these, with products of that precision and sums in
    float32. Otherwise (float64, float32 on a GPU without autocast, a dimension or a GPU that the kernel doesn't take):
    `chunked_attention`.

    Args:
        queries: (N, D).
        keys: (K, D). Raises `ValueError` if K is 0.

    Returns:
        (N, D) and (N,), both float32, or float64 for float64 queries. No gradient.
    """
    kernel, dtype = _kernel(queries)
    if kernel is None or 0 in (len(queries), len(keys)):  # without any, the CPU kernel ends the process
        return chunked_attention(queries, keys, scale)
    rows, columns = (x.detach().to(dtype).contiguous()[None, None] for x in (queries, keys))
    if queries.is_cuda:  # may this GPU, this build of PyTorch and these sizes use the flash kernel without padding D?
        inputs = torch.backends.cuda.SDPAParams(rows, columns, columns, None, 0.0, False, False)
        if queries.shape[1] % 8 or not torch.backends.cuda.can_use_flash_attention(inputs):
            return chunked_attention(queries, keys, scale)
    output, lse = kernel(rows, columns, columns, scale=scale)[:2]
    return output[0, 0].float(), lse[0, 0]


@torch.no_grad()
def chunked_attention(queries: Tensor, keys: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """As `attention`, for some queries at a time: at most 2^21 logits, or one row of them, exist at once."""
    if len(keys) == 0:
        raise ValueError("attention: there are no keys")
    dtype = torch.promote_types(queries.dtype, torch.float32)
    with torch.autocast(queries.device.type, enabled=False):
        queries, keys = queries.to(dtype), keys.to(dtype)
        output, lse = torch.empty_like(queries), queries.new_empty(len(queries))
        size = max(1, _CHUNK_LOGITS // len(keys))
        for rows, row_output, row_lse in zip(queries.split(size), output.split(size), lse.split(size), strict=True):
            weights = (rows * scale) @ keys.T
            largest = weights.amax(dim=1, keepdim=True)
            total = weights.sub_(largest).exp_().sum(dim=1, keepdim=True)
            row_output.copy_(weights @ keys).div_(total)
            row_lse.copy_((largest + total.log()).squeeze(1))
    return output, lse


def _kernel(queries: Tensor) -> tuple[Kernel | None, torch.dtype]:
    """The kernel for these queries, if there is one, and the precision of its inputs."""
    halves, dtype = (torch.bfloat16, torch.float16), queries.dtype
    if queries.device.type == "cpu" and dtype in (torch.float32, *halves):
        return _CPU_KERNEL, torch.float32
    if queries.is_cuda:
        if dtype == torch.float32 and torch.is_autocast_enabled("cuda"):
            dtype = torch.get_autocast_dtype("cuda")
        if dtype in halves:
            return _CUDA_KERNEL, dtype
    return None, dtype
