"""Fine-tuning in bfloat16: losses, flows and the body model stay in float32, and a step's losses nearly the same."""

import dataclasses

import pytest
import torch
from tiny.data_of_benchmarks import DATA
from tiny.tasks import task_of

from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import to_json


@pytest.mark.parametrize("name", DATA)
def test_a_step_in_bfloat16_has_nearly_the_same_losses(name, tmp_path):
    write, recipe = DATA[name]
    data, found, halved = write(tmp_path), [], []
    for enabled in (False, True):
        task = task_of(name, recipe, data)
        for module in task.module.modules():
            if type(module) is torch.nn.Conv2d and enabled:
                module.register_forward_hook(lambda _m, _i, output: halved.append(output.dtype))
        torch.manual_seed(0)
        batch = next(task.batches(0, 0))
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            ((_, terms),) = task.losses(batch)
        assert {value.dtype for value in terms.values()} == {torch.float32}
        sum(terms.values()).backward()
        gradients = [parameter.grad for parameter in task.module.parameters() if parameter.grad is not None]
        assert all(gradient.isfinite().all() and gradient.dtype == torch.float32 for gradient in gradients)
        found.append(terms)
    assert torch.bfloat16 in halved
    for term, value in found[0].items():
        torch.testing.assert_close(found[1][term], value, rtol=0.03, atol=0.03)
        assert not torch.equal(found[1][term], value) or value == 0 or term in ("betas", "camera")


def test_recipes_without_a_precision_are_what_they_were():
    recipe = DATA["coco"][1]
    assert not {"precision", "regions"} & set(to_json(recipe).split('"'))
    assert '"precision": "bfloat16"' in to_json(dataclasses.replace(recipe, precision="bfloat16"))
    with pytest.raises(InputError, match="precision: 'float16' is not one of bfloat16"):
        dataclasses.replace(recipe, precision="float16")
