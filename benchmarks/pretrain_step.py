"""The whole pre-training step of LiftedCL, from packed crops or JPEG files to moved networks."""

import functools
import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.parts.steps import OurStep, PublishedStep
from benchmarks.random_data import jpeg, pictures, write_shard
from benchmarks.recipes import DEMO, liftedcl_recipe
from benchmarks.runner import FLOOR, OURS, PUBLISHED, Case, Figure, Variant, timed
from liftedcl.prior import sample_skeletons
from liftedcl.recipes.encoder_recipe import EncoderRecipe

CORES = 2

_PUBLISHED, _FLOOR = "every part the published way", "the networks alone, forward and backward"
_DEMANDED = "with the critic, both optimisers and the momentum update"


def cases(smoke: bool) -> Iterator[Case]:
    demo = DEMO.encoders["liftedcl_in_cc"]
    if smoke:
        recipes = {"smoke": liftedcl_recipe("resnet18_narrow", batch_size=4, size=32, queue=64, hidden=32)}
    else:
        larger = liftedcl_recipe("resnet18", batch_size=32, size=128, queue=16384)
        recipes = {
            f"demo: {demo.backbone}, {demo.views.size}x{demo.views.size}, K = {demo.contrast.queue}": demo,
            "resnet18, 128x128, K = 16384, else as in the paper": larger,
        }
    for name, recipe in recipes.items():
        with tempfile.TemporaryDirectory() as folder:
            yield from _case(name, recipe, Path(folder))


def _case(name: str, recipe: EncoderRecipe, folder: Path) -> Iterator[Case]:
    rng = np.random.default_rng(0)
    side, batch = recipe.views.size, recipe.training.batch_size
    packed = pictures(rng, 4 * batch, side, side * 3 // 4)
    shard = write_shard(folder / "crops.npy", packed)
    skeletons = sample_skeletons(1000, rng, DEMO.skeletons)
    ours = OurStep(recipe, shard, skeletons, torch.device("cpu"), autocast=False)
    views = torch.randn(batch, 3, side, side).contiguous(memory_format=torch.channels_last)
    still = OurStep(recipe, shard, skeletons, torch.device("cpu"), autocast=False)  # whose weights stay at their start
    reals = torch.from_numpy(skeletons[:batch]).float()
    theirs = PublishedStep(recipe, [jpeg(picture) for picture in packed], skeletons, torch.device("cpu"))
    yield Case(
        name=f"whole step, {name}",
        variants=[
            Variant(OURS, "liftedcl.pretrain", timed(ours)),
            Variant(PUBLISHED, _PUBLISHED, timed(theirs)),
            Variant(FLOOR, _FLOOR, timed(lambda: ours.networks(views))),
            Variant(FLOOR, _DEMANDED, timed(lambda: still.demanded(views, reals))),
        ],
        items=batch,
        unit="images",
        check=functools.partial(check, ours, theirs, recipe),
        goal=2.0,
        figures=lambda medians: [
            Figure(f"{bound} could be faster by more than", medians[_PUBLISHED] / medians[floor], "x")
            for bound, floor in (("none with these networks", _FLOOR), ("none with these and their updates", _DEMANDED))
        ],
    )
    ours.close()


def check(
    ours: Callable[[], dict[str, Tensor]], theirs: Callable[[], dict[str, Tensor]], recipe: EncoderRecipe
) -> None:
    """Both change their backbone, and have nearly the same losses with networks of the same random initialisation."""
    found = []
    for step in (ours, theirs):
        before = [parameter.detach().clone() for parameter in step.query().parameters()]
        found.append({name.removeprefix("encoder/"): float(term) for name, term in step().items()})
        moved = [not torch.equal(old, new) for old, new in zip(before, step.query().parameters(), strict=True)]
        assert all(moved), "a parameter of the backbone has not moved"
    for name in ("inv", "equiv", "adv"):
        mine, other = (terms[name] for terms in found)
        assert math.isfinite(mine) and math.isfinite(other), name
        assert abs(mine - other) < 0.3 * other + 0.1, (
            f"{name}: {mine:.3f} in our step, {other:.3f} in the published one"
        )
    largest = math.log(recipe.contrast.queue + 1) + 2 / recipe.contrast.temperature
    assert found[0]["inv"] <= recipe.lifting.inv * largest
