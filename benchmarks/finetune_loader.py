"""Training samples of the fine-tunings on one core: pictures decoded in each epoch, or regions that were packed before.

Pictures are random, of the real sets' sizes and with people as large as theirs; each sample is of another picture, but
in COCO and MPII, where people share theirs. All ways make the same batches: crops, occlusion, colours and targets.
The published way is that of parts/published_finetuning.py, the code from before there were regions. ``regions: null``
is what became of it: pictures are decoded, and their crops are cut as those of regions are.
"""

import dataclasses
import functools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
import torch
from PIL import Image
from torchvision.transforms import v2

from benchmarks.parts.published_finetuning import PublishedBatches
from benchmarks.random_data import jpeg, pictures
from benchmarks.recipes import PAPER
from benchmarks.runner import FLOOR, OURS, PEER, PUBLISHED, Case, Figure, Variant, timed
from downstream.h36m.pose_3d.data import PoseBatches
from downstream.h36m.pose_3d.reader import H36MPoses
from downstream.h36m.pose_3d.regions import seen_in_training
from downstream.heatmap_pose.keypoint_data import KeypointBatches
from downstream.lip import regions as lip_regions
from downstream.lip.data import ParsingBatches
from downstream.lip.files import image_path, label_path
from downstream.lip.reader import LipSamples
from downstream.reading.region_writer import RegionPlan, pack
from downstream.samples.crop import seen_by
from downstream.samples.people import LabelledPeople, People
from downstream.samples.person_regions import plan_of, seen_of
from downstream.training.epoch_batches import EpochBatches
from downstream.training.region_cut import cut_of

CORES = 1

_SIZES = {"h36m_3d": (1000, 1002), "coco": (640, 480), "mpii": (1280, 720), "lip": (240, 420)}
"""Width and height of pictures."""
_PEOPLE = {"h36m_3d": 1.0, "coco": 2.65, "mpii": 1.6, "lip": 1.0}
"""Of a picture."""
_GOALS = {("h36m_3d", "jpeg"): 6.0, ("h36m_3d", "raw"): 12.0, ("coco", "jpeg"): 3.0, ("mpii", "jpeg"): 3.0,
          ("lip", "raw"): 2.0}  # fmt: skip


def cases(smoke: bool) -> Iterator[Case]:
    count = 3 if smoke else 48
    with tempfile.TemporaryDirectory() as folder:
        for benchmark in _SIZES:
            root = Path(folder) / benchmark
            make = _MADE[benchmark](root, count, np.random.default_rng(0))
            for name, format in _GOALS:
                if name == benchmark:
                    yield _case(benchmark, format, root, make, count)


Make = Callable[[Any, Path | None], tuple[EpochBatches, RegionPlan | None]]
"""Of a recipe and the folder of packed regions: the batches, and the plan of the regions if there is no folder."""


def _case(benchmark: str, format: str, root: Path, make: Make, count: int) -> Case:
    recipe = dataclasses.replace(PAPER.benchmarks[benchmark], batch_size=count, norm_samples=None, regions=format)
    if benchmark == "h36m_3d":
        recipe = dataclasses.replace(recipe, mpii=None)
    packed = root / format
    plain, plan = make(recipe, None)
    pack(plan, packed, name=benchmark, workers=1)
    (before, _), (ours, _) = make(recipe, None), make(recipe, packed)
    before = PublishedBatches(before)
    epochs = iter(range(1_000_000))

    def batch_of(batches: EpochBatches | PublishedBatches) -> Any:
        batches.start(next(epochs))
        return batches[0]

    with mock.patch.object(ours.canvas, "cut", wraps=ours.canvas.cut) as cut:
        batch_of(ours)
    given = [arguments[:2] for arguments, _ in cut.call_args_list]
    seen = [(pixels, seen_by(matrix, ours.canvas.size, pixels.shape)) for pixels, matrix in given]

    def check() -> None:
        for epoch in range(2):
            images = []
            for batches in (before, plain, ours):
                batches.start(epoch)
                images.append(batches[0].images)
            before_now = (images[0].int() - images[1].int()).abs().max()
            most = 1 if benchmark == "h36m_3d" else 0  # gains, which it alone has, round halves in another way
            assert before_now <= most, f"{benchmark}: crops are not those of whole regions"
            apart = (images[1].int() - images[2].int()).abs().float().median()  # noise covers less
            assert apart < 6, f"{benchmark}: crops of packed regions are {apart:.1f} grey levels from the others"

    name, peer, paths = f"packed regions, {format}", "torchvision v2 on tensors", sorted(root.rglob("*.jpg"))
    part = max(1, count // 4)  # of what torchvision would take minutes for
    size, per_sample = _SIZES[benchmark], (packed / "pixels.bin").stat().st_size / count
    return Case(
        name=f"{benchmark}, {format} regions",
        variants=[
            Variant(OURS, name, timed(lambda: batch_of(ours))),
            Variant(PUBLISHED, "each picture decoded in each epoch", timed(lambda: batch_of(before))),
            Variant(FLOOR, "decoding what crops see, no more", timed(lambda: [pixels[part] for pixels, part in seen])),
            Variant(PEER, "regions: null", timed(lambda: batch_of(plain))),
            Variant(PEER, peer, lambda: timed(lambda: _torchvision(paths, recipe, part))() * count / part),
        ],
        items=count,
        unit="samples",
        check=check,
        goal=_GOALS[benchmark, format],
        figures=lambda medians: [
            Figure("a sample on the disk", per_sample / 1000, "kB"),
            Figure("torchvision, which makes crops alone, takes as long", medians[peer] / medians[name], "times"),
        ],
        note=f"pictures of {size[0]}x{size[1]} px",
    )


def _write_pictures(root: Path, count: int, size: tuple[int, int], rng: np.random.Generator) -> list[str]:
    (root / "images").mkdir(parents=True)
    names = [f"{n}.jpg" for n in range(count)]
    some = pictures(rng, min(count, 4), size[1], size[0])
    for n, name in enumerate(names):  # photographs are smoother than such noise at their full resolution
        picture = cv2.GaussianBlur(np.roll(some[n % len(some)], 7 * n, axis=1), (0, 0), 0.7)
        (root / "images" / name).write_bytes(jpeg(picture))
    return names


def _poses(root: Path, count: int, rng: np.random.Generator) -> Make:
    """People of Human3.6M: some 400 px tall, anywhere in the frame."""
    size = np.array(_SIZES["h36m_3d"])
    names = _write_pictures(root, count, tuple(size), rng)
    heights = rng.uniform(330, 470, count)
    extents = np.stack([heights * rng.uniform(0.35, 0.7, count), heights], axis=1)
    first = rng.uniform(0, 1, (count, 2)) * (size - extents)
    f, c = np.full((count, 2), 1145.0), np.tile(size / 2, (count, 1))
    depth = 1145.0 * 1700 / heights
    centres = (first + extents / 2 - c) * (depth / 1145.0)[:, None]
    joints = np.concatenate([centres, depth[:, None]], axis=1)[:, None] + rng.normal(0, 200, (count, 18, 3))
    poses = H36MPoses(root, names, np.full(count, 2), np.tile(size, (count, 1)),
                      np.concatenate([first, first + extents - 1], axis=1), joints, f, c)  # fmt: skip

    def make(recipe: Any, packed: Path | None) -> tuple[EpochBatches, RegionPlan | None]:
        batches = PoseBatches(poses, recipe, seed=0, cached=False, packed=packed)
        cut = cut_of(recipe)
        numbers = {"box_scale": cut.box_scale, "scale_limits": cut.scale_limits, "occlusion": cut.occlusion}
        return batches, None if packed else plan_of(seen_in_training(poses, None, **numbers), cut)

    return make


def keypoint_people(benchmark: str, root: Path, count: int, rng: np.random.Generator) -> LabelledPeople:
    """People whose heights are spread as COCO's are, or larger ones for MPII, in pictures written to ``root``."""
    size = np.array(_SIZES[benchmark])
    names = _write_pictures(root, max(1, round(count / _PEOPLE[benchmark])), tuple(size), rng)
    typical, spread = (160.0, 0.75) if benchmark == "coco" else (380.0, 0.35)
    heights = np.clip(rng.lognormal(np.log(typical), spread, count), 24.0, size[1])
    recipe = PAPER.benchmarks[benchmark]
    people = People(
        folder=root / "images",
        names=[names[n % len(names)] for n in range(count)],
        sizes=None,
        centres=rng.uniform(0.25, 0.75, (count, 2)) * size,
        widths=heights * recipe.box_scale * recipe.input_width / recipe.input_height,
    )
    joints = people.centres[:, None] + rng.normal(0, 20, (count, 17, 2))
    return LabelledPeople(people, joints, np.ones((count, 17), bool))


def _keypoints(benchmark: str, root: Path, count: int, rng: np.random.Generator) -> Make:
    train = keypoint_people(benchmark, root, count, rng)

    def make(recipe: Any, packed: Path | None) -> tuple[EpochBatches, RegionPlan | None]:
        batches = KeypointBatches(train, recipe, np.arange(17), seed=0, cached=False, packed=packed)
        cut = cut_of(recipe)
        return batches, None if packed else plan_of([seen_of(train.people, cut.scale_limits, cut.size)], cut)

    return make


def _parsing(root: Path, count: int, rng: np.random.Generator) -> Make:
    """Pictures of one person each with label maps: 20 blobs."""
    width, height = _SIZES["lip"]
    names = [f"{n}" for n in range(count)]
    samples = LipSamples(root, "train", names, np.tile([width, height], (count, 1)))
    coarse = rng.integers(0, 20, (count, 14, 8), dtype=np.uint8)
    for n, picture in enumerate(pictures(rng, count, height, width)):
        for path in (image_path(root, "train", names[n]), label_path(root, "train", names[n])):
            path.parent.mkdir(parents=True, exist_ok=True)
        image_path(root, "train", names[n]).write_bytes(jpeg(cv2.GaussianBlur(picture, (0, 0), 0.7)))
        labels = cv2.resize(coarse[n], (width, height), interpolation=cv2.INTER_NEAREST)
        assert cv2.imwrite(str(label_path(root, "train", names[n])), labels)

    def make(recipe: Any, packed: Path | None) -> tuple[EpochBatches, RegionPlan | None]:
        batches = ParsingBatches(samples, recipe, seed=0, cached=False, packed=packed)
        return batches, None if packed else lip_regions.plan_of(samples, cut_of(recipe))

    return make


_MADE: dict[str, Callable[[Path, int, np.random.Generator], Make]] = {
    "h36m_3d": _poses,
    "coco": functools.partial(_keypoints, "coco"),
    "mpii": functools.partial(_keypoints, "mpii"),
    "lip": _parsing,
}


def _torchvision(paths: list[Path], recipe: Any, count: int) -> torch.Tensor:
    """As many crops as torchvision's own transforms make of the same pictures."""
    size = (recipe.input_size,) * 2 if hasattr(recipe, "input_size") else (recipe.input_height, recipe.input_width)
    low, high = recipe.augmentation.scale_limits
    transform = v2.Compose(
        [
            v2.RandomAffine(recipe.augmentation.rotation_limit, scale=(1 / high, 1 / low)),
            v2.CenterCrop(min(Image.open(paths[0]).size)),
            v2.Resize(size, antialias=False),
            v2.RandomHorizontalFlip(recipe.augmentation.flip),
        ]
    )
    pictures = (Image.open(paths[n % len(paths)]).convert("RGB") for n in range(count))
    return torch.stack([transform(v2.functional.pil_to_tensor(picture)) for picture in pictures])
