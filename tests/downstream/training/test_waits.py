"""On a GPU no step makes the host wait: tried on tensors that are said to be on one, and have a shape but no values."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from tiny.data_of_benchmarks import DATA
from tiny.tasks import task_of
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from downstream.reading.region_writer import pack
from downstream.registry import BENCHMARKS
from downstream.training.region_cut import cut_of
from liftedcl.views import rendering

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="benchmarks.gpu asks the GPU itself")


class Waits(TorchDispatchMode):
    """Notes what a GPU would make the host wait for. Reading a value raises by itself, as there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        if name == "_to_copy" and torch.device(kwargs.get("device") or args[0].device).type != args[0].device.type:
            self.found += [] if kwargs.get("non_blocking") else ["copy"]
        elif name == "copy_" and args[0].device.type != args[1].device.type:
            self.found += [] if any(args[2:]) or kwargs.get("non_blocking") else ["copy"]
        elif name in ("index", "index_put", "index_put_"):
            places = [place for place in args[1] if isinstance(place, Tensor)]
            self.found += ["mask" for place in places if place.dtype == torch.bool]
            self.found += ["places" for place in places if place.device.type != args[0].device.type]
        return func(*args, **kwargs)


@contextlib.contextmanager
def on_a_gpu(task: Any) -> Iterator[None]:
    """The networks of ``task``, and all that is computed in here, are said to be on a GPU."""
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    rendering._per_channel.cache_clear()
    try:
        with FakeTensorMode(allow_non_fake_inputs=True):
            task.module.to("cuda")
            yield
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(False)
        rendering._per_channel.cache_clear()


@pytest.mark.parametrize("name", DATA)
def test_losses_wait_for_nothing_and_mix_no_devices(name, tmp_path):
    write, recipe = DATA[name]
    data, ways = write(tmp_path / "data"), [(recipe, {})]
    if name == "h36m_parsing":
        ways += [(dataclasses.replace(recipe, input="depth"), {})]
    else:  # crops that are cut on the GPU
        packed, recipe = tmp_path / "packed", dataclasses.replace(recipe, regions="jpeg")
        plan = BENCHMARKS[name].load("regions").training_plan(cut_of(recipe), data)
        pack(plan, packed, name=name, workers=1)
        ways += [(recipe, {"packed": packed})]
    for recipe, more in ways:
        task = task_of(name, recipe, data, **more)
        task._batches.on_device = bool(more)
        batch = next(task.batches(0, 0))
        with on_a_gpu(task):
            list(task.losses(batch))  # some tensors are copied to the GPU once
            with Waits() as waits:
                ((_, terms),) = task.losses(batch)
            assert {term.device.type for term in terms.values()} == {"cuda"}
        assert waits.found == []


def test_a_copy_that_waits_is_noted():
    values, places = torch.arange(4.0), torch.tensor([1])
    with FakeTensorMode(allow_non_fake_inputs=True), Waits() as waits:
        there = values.to("cuda", non_blocking=True)
        assert waits.found == []
        values.to("cuda"), there[places]
        with pytest.raises(Exception, match="_local_scalar_dense"):
            float(there.sum())
    assert waits.found == ["copy", "places"]
