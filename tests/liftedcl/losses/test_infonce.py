"""InfoNCE against closed forms and the plain cross-entropy: values, gradients, memory, and both forms of attention."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from liftedcl.losses import attention_lse, infonce
from liftedcl.losses.attention_lse import CPU_SCHEMA, CUDA_SCHEMA, attention, chunked_attention, pinned_kernel
from liftedcl.losses.infonce import info_nce

TAU = 0.2


@pytest.fixture(params=["kernel", "chunked", "row by row"])
def every_attention(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The flash kernel, the chunked form in one chunk, and the chunked form with one query in each chunk."""
    if request.param != "kernel":
        monkeypatch.setattr(infonce, "attention", chunked_attention)
    if request.param == "row by row":
        monkeypatch.setattr(attention_lse, "_CHUNK_LOGITS", 1)
    return request.param


def vectors(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return F.normalize(torch.randn(*shape, dtype=torch.float64), dim=-1).to(dtype)


def cross_entropy(queries: Tensor, positives: Tensor, negatives: Tensor, temperature: float) -> Tensor:
    """The loss of each query the plain way, with all logits."""
    logits = torch.cat([(queries * positives).sum(-1, keepdim=True), queries @ negatives.T], dim=-1) / temperature
    labels = torch.zeros(queries.shape[:-1].numel(), dtype=torch.long)
    return F.cross_entropy(logits.view(len(labels), -1), labels, reduction="none").view(queries.shape[:-1])


def value_and_gradient(loss, queries: Tensor, *rest: Tensor | float) -> tuple[Tensor, Tensor]:
    """The loss of each query, and the gradient of a weighted sum of them (weights 1, 2, ...)."""
    queries = queries.detach().requires_grad_()
    value = loss(queries, *rest)
    weights = torch.arange(1, value.numel() + 1, dtype=value.dtype).view(value.shape)
    return value.detach(), torch.autograd.grad((value * weights).sum(), queries)[0]


def error(found: Tensor, exact: Tensor) -> float:
    """Largest difference, relative to the largest exact element."""
    return ((found.double() - exact).abs().max() / exact.abs().max()).item()


@pytest.mark.usefixtures("every_attention")
def test_identical_views_and_orthogonal_negatives():
    """-log(e^(1/t) / (e^(1/t) + K)) for K negatives orthogonal to the query."""
    query, negatives = torch.eye(8)[:1], torch.eye(8)[1:]
    expected = math.log(1.0 + 7.0 * math.exp(-1.0 / TAU))
    assert info_nce(query, query, negatives, TAU).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.usefixtures("every_attention")
def test_indistinguishable_positive_costs_log_of_the_candidates():
    same = torch.ones(5, 4) / 2.0
    loss, gradient = value_and_gradient(info_nce, same, same, torch.ones(31, 4) / 2.0, TAU)
    assert loss.shape == (5,)
    assert torch.allclose(loss, torch.full((5,), math.log(32.0)))
    assert gradient.abs().max() < 1e-5


@pytest.mark.usefixtures("every_attention")
@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-12), (torch.float32, 1e-6)])
@pytest.mark.parametrize(
    "shape, count", [((16,), 9), ((6, 16), 1), ((3, 5, 16), 50), ((33, 12), 257), ((2, 64, 128), 4096)]
)
def test_equals_cross_entropy_with_its_gradient(shape, count, dtype, tolerance):
    """float32 within 1e-6 of float64, for one key and for sizes that fill no block of any kernel."""
    torch.manual_seed(0)
    inputs = vectors(*shape, dtype=dtype), vectors(*shape, dtype=dtype), vectors(count, shape[-1], dtype=dtype)
    exact = value_and_gradient(cross_entropy, *(x.double() for x in inputs), TAU)
    found = value_and_gradient(info_nce, *inputs, TAU)
    assert found[0].shape == shape[:-1] and found[0].dtype == found[1].dtype == dtype
    assert error(found[0], exact[0]) <= tolerance
    assert error(found[1], exact[1]) <= tolerance


@pytest.mark.usefixtures("every_attention")
def test_queries_laid_out_as_a_map_change_nothing():
    """Vectors of a map (B, D, S, S) have a last dimension that isn't the densest in memory."""
    torch.manual_seed(0)
    maps, keys = vectors(3, 7, 16).transpose(1, 2).contiguous().transpose(1, 2), vectors(9, 16)
    assert not maps.is_contiguous()
    strided = value_and_gradient(info_nce, maps, maps.flip(0), keys, TAU)
    dense = value_and_gradient(info_nce, maps.contiguous(), maps.flip(0).contiguous(), keys, TAU)
    assert torch.allclose(strided[0], dense[0]) and torch.allclose(strided[1], dense[1])


def test_gradient_by_finite_differences(monkeypatch):
    monkeypatch.setattr(attention_lse, "_CHUNK_LOGITS", 22)  # 2 queries in a chunk, the last one alone
    torch.manual_seed(0)
    queries, positives, negatives = (vectors(*shape, dtype=torch.float64) for shape in ((5, 4), (5, 4), (11, 4)))
    assert torch.autograd.gradcheck(lambda q: info_nce(q, positives, negatives, TAU), queries.requires_grad_())


def test_the_private_kernels_are_those_that_are_relied_on():
    """Fails on a PyTorch that changes them: check results and order of arguments, then pin the new schema."""
    for schema in (CPU_SCHEMA, CUDA_SCHEMA):
        kernel = pinned_kernel(schema)
        assert kernel is not None
        assert str(kernel._schema) == schema
    assert pinned_kernel(CPU_SCHEMA.replace("float dropout_p=0.", "float dropout=0.")) is None
    assert pinned_kernel("aten::_no_such_attention(Tensor query) -> Tensor") is None


@pytest.mark.parametrize("kernel", ["used", "missing"])
def test_attention_with_and_without_its_kernel(kernel, monkeypatch):
    calls = []

    def counted(*arguments, **named):
        calls.append(named)
        return pinned_kernel(CPU_SCHEMA)(*arguments, **named)

    monkeypatch.setattr(attention_lse, "_CPU_KERNEL", counted if kernel == "used" else None)
    torch.manual_seed(0)
    queries, keys = vectors(70, 24), vectors(1000, 24)
    mean, lse = attention(queries, keys, 5.0)
    logits = 5.0 * queries.double() @ keys.double().T
    assert len(calls) == (kernel == "used")
    assert error(mean, logits.softmax(dim=1) @ keys.double()) < 1e-6
    assert error(lse, logits.logsumexp(dim=1)) < 1e-6


@pytest.mark.parametrize("name", ["positives", "negatives"])
def test_gradient_into_keys_is_an_error(name):
    inputs = {"queries": vectors(4, 8).requires_grad_(), "positives": vectors(4, 8), "negatives": vectors(6, 8)}
    inputs[name].requires_grad_()
    with pytest.raises(ValueError, match=f"the {name} require gradient"):
        info_nce(**inputs, temperature=TAU)


@pytest.mark.usefixtures("every_attention")
@pytest.mark.parametrize("temperature", [1e-2, 1e-4, 1e-6])
def test_extreme_logits_stay_finite_and_right(temperature):
    """Logits of up to a million: the loss is the largest negative less the positive, or 0 where the positive leads."""
    torch.manual_seed(0)
    queries, negatives = vectors(40, 16), vectors(300, 16)
    positives = torch.cat([queries[:20], -queries[20:]])
    inputs = queries, positives, negatives, temperature
    exact = value_and_gradient(cross_entropy, queries.double(), positives.double(), negatives.double(), temperature)
    loss, gradient = value_and_gradient(info_nce, *inputs)
    assert loss.isfinite().all() and gradient.isfinite().all()
    assert error(loss, exact[0]) < 1e-5
    assert loss[20:].min() > 0.9 / temperature


class LargestTensor(TorchDispatchMode):
    """Number of elements of the largest tensor that any operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.elements = max(self.elements, leaf.numel())
        return result


def largest_tensor(loss, *inputs: Tensor | float) -> int:
    with LargestTensor() as mode:
        value_and_gradient(loss, *inputs)
    return mode.elements


@pytest.mark.parametrize("form", [attention, chunked_attention])
def test_the_logits_are_never_held(form, monkeypatch):
    """Nothing is larger than the queue itself, here an eighth of the logits, which the plain way holds."""
    monkeypatch.setattr(infonce, "attention", form)
    count, keys, dimension = 256, 2048, 32
    monkeypatch.setattr(attention_lse, "_CHUNK_LOGITS", count * keys // 16)
    torch.manual_seed(0)
    inputs = vectors(4, count // 4, dimension), vectors(4, count // 4, dimension), vectors(keys, dimension), TAU
    assert largest_tensor(cross_entropy, *inputs) >= count * keys
    assert largest_tensor(info_nce, *inputs) <= keys * dimension


def test_what_is_kept_for_backward_is_one_tensor_of_the_queries_size():
    sizes = []
    queries = vectors(64, 16).requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(lambda x: sizes.append(x.numel()) or x, lambda x: x):
        info_nce(queries, vectors(64, 16), vectors(500, 16), TAU)
    assert sizes == [queries.numel()]


def test_same_bits_again_under_deterministic_algorithms():
    torch.manual_seed(0)
    inputs = vectors(2, 300, 128), vectors(2, 300, 128), vectors(5000, 128), TAU
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        first, *others = (value_and_gradient(info_nce, *inputs) for _ in range(4))
    finally:
        torch.use_deterministic_algorithms(before)
    for other in others:
        assert torch.equal(first[0], other[0]) and torch.equal(first[1], other[1])


def test_half_precision_queries_lose_nothing_but_their_own_rounding():
    torch.manual_seed(0)
    queries, positives, negatives = vectors(50, 32), vectors(50, 32), vectors(400, 32)
    exact = value_and_gradient(info_nce, queries, positives, negatives, TAU)
    rounded = value_and_gradient(info_nce, queries.bfloat16().float(), positives, negatives, TAU)
    loss, gradient = value_and_gradient(info_nce, queries.bfloat16(), positives, negatives, TAU)
    assert loss.dtype == torch.float32 and gradient.dtype == torch.bfloat16
    assert torch.equal(loss, rounded[0])
    assert error(loss, exact[0]) < 5e-3
    assert error(gradient, exact[1]) < 1e-2


@pytest.mark.usefixtures("every_attention")
def test_autocast_on_a_cpu_changes_nothing():
    torch.manual_seed(0)
    inputs = vectors(50, 32), vectors(50, 32), vectors(400, 32), TAU
    plain = value_and_gradient(info_nce, *inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = value_and_gradient(info_nce, *inputs)
    assert torch.equal(plain[0], cast[0]) and torch.equal(plain[1], cast[1])


@pytest.mark.usefixtures("every_attention")
def test_no_queries_cost_nothing_and_no_negatives_are_an_error():
    loss, gradient = value_and_gradient(info_nce, vectors(0, 8), vectors(0, 8), vectors(5, 8), TAU)
    assert loss.shape == (0,) and gradient.shape == (0, 8)
    with pytest.raises(ValueError, match="no keys"):
        info_nce(vectors(3, 8), vectors(3, 8), vectors(0, 8), TAU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dimension", [128, 20])
@pytest.mark.parametrize("autocast", [False, True])
def test_on_a_gpu(dimension, autocast):
    """float32 by default; under autocast the kernel in bfloat16, or the chunked form where it can't take D."""
    torch.manual_seed(0)
    inputs = vectors(4, 100, dimension), vectors(4, 100, dimension), vectors(5000, dimension)
    exact = value_and_gradient(cross_entropy, *(x.double() for x in inputs), TAU)
    queries, *keys = (x.cuda() for x in inputs)
    queries.requires_grad_()
    with torch.autocast("cuda", dtype=torch.bfloat16, enabled=autocast):
        loss = info_nce(queries, *keys, TAU)
    weights = torch.arange(1, loss.numel() + 1, device="cuda").view(loss.shape)
    gradient = torch.autograd.grad((loss * weights).sum(), queries)[0]
    tolerance = 1e-3 if autocast and dimension == 128 else 1e-5
    assert error(loss.detach().cpu(), exact[0]) < tolerance
    assert error(gradient.cpu(), exact[1]) < tolerance
