"""The stages that read whole data sets or train, as subjects."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints
from unittest import mock

import cv2
import numpy as np
import torch
from fuzz.encoders import CROPS, LIFTED, SKELETONS, recipe_subject, write_recipe
from fuzz.subject import Subject, command
from repository import REPOSITORY
from tiny.h36m import add_second_camera, write_tiny_h36m
from tiny.h36m_official import SIDE, write_tiny_official
from tiny.pretraining import ROWS, tiny_recipe, write_untrained_liftedcl
from tiny.shard import write_untrained_croco

from downstream.h36m.pose_3d.reader import annotation_path as poses_path
from downstream.h36m.release.video_frames import FrameCutter
from liftedcl.files.array_file import write_array
from liftedcl.files.atomic import read_json, write_json, write_text
from liftedcl.identity.recipe import to_json
from liftedcl.images.shard import ShardWriter
from liftedcl.networks.encoder import build_backbone, save_encoder
from liftedcl.prior import sample_skeletons
from synthetic import generation
from synthetic.recipes import Generated
from workflow.params import read_params

_GENERATED = read_params(REPOSITORY / "params.yaml", {"profile": "demo"}).generated

# ------------------------------------------------------------------------------------------------- encoders
_RECIPE = tiny_recipe(LIFTED, training={"epochs": 1})
_LIFTING_RECIPES = {"recipe.json": _RECIPE, "crops.json": CROPS, "skeletons.json": SKELETONS}
_ATTENTION_RECIPES = {"recipe.json": ROWS["vit_croco"], "crops.json": CROPS}
_ANNOTATIONS = tuple(poses_path(Path(), split).as_posix() for split in ("train", "test"))


def _training(root: Path) -> None:
    """What a step of LiftedCL is made of, four images."""
    rng = np.random.default_rng(0)
    with ShardWriter(root / "crops.npy", 48, 36, ("file", "label")) as writer:
        for i in range(4):
            writer.append(rng.integers(0, 256, (48, 36, 3), dtype=np.uint8), (f"{i}.jpg", i % 3))
    write_array(root / "skeletons.npy", sample_skeletons(20, rng, SKELETONS))
    torch.manual_seed(0)
    save_encoder(build_backbone(_RECIPE.backbone), root / "start.pt")
    write_recipe(root, _RECIPE)


def _attention(root: Path) -> None:
    write_tiny_h36m(root, train=3, test=3)
    add_second_camera(root)
    write_untrained_croco(root, ROWS["vit_croco"])
    for name, recipe in _ATTENTION_RECIPES.items():
        write_text(root / name, to_json(recipe))


def _lifting(root: Path) -> None:
    write_tiny_h36m(root, train=3, test=3)
    write_untrained_liftedcl(root, _RECIPE)
    for name, recipe in _LIFTING_RECIPES.items():
        write_text(root / name, to_json(recipe))


# ------------------------------------------------------------------------------------------------- data
_TAKE = "S1/MyPoseFeatures/D3_Positions/Directions 1.cdf"


def _prepared() -> Callable[[Path], Any]:
    """``prepare`` with a stand-in for ffmpeg, which is another program and reads the videos."""
    prepare = command("downstream.h36m.__main__", "prepare", "--official", "{}", "--out", "{}/out", "--workers", "1")
    frame = cv2.imencode(".jpg", np.full((SIDE, SIDE, 3), 90, np.uint8))[1].tobytes()

    def cut(_cutter: FrameCutter, _video: Path, folder: Path, _stride: int, count: int, _stopped: Any) -> str:
        for n in range(count):
            (folder / f"{n:08d}.jpg").write_bytes(frame)
        return ""

    def read(root: Path) -> Any:
        with (
            mock.patch.object(FrameCutter, "_run_ffmpeg", cut),
            mock.patch.object(shutil, "which", lambda name: name),
        ):
            return prepare(root)

    return read


_DATA_SET, _MARKER = "set", f"set/{generation.IDENTITY}"
_CHUNKS = tuple(f"{_DATA_SET}/{generation.CHUNKS}/chunk_{number:05d}.json" for number in range(2))


def _render(root: Path, _recipe: Any, chunk: generation.Chunk) -> generation.Labels:
    name = f"images/{chunk[0]}.jpg"
    generation.write_jpeg(root / name, np.full((8, 8, 3), 90, np.uint8))
    return {"files": [name], "people": [{"bbox": [1, 2, 3.5, 4]}]}


def _finish(root: Path, _recipe: Any, labels: list[generation.Labels]) -> None:
    write_json(root / "annotations.json", labels)


_PLAN = generation.Plan("imagenet", _GENERATED.imagenet, [(0,), (1,)], _render, _finish,
                        ("images", "annotations.json"), ("annotations.json",))  # fmt: skip


def _stopped_generation(root: Path) -> None:
    """A data set whose chunks are rendered, and whose annotations aren't written yet."""
    generation._prepare(_PLAN, root / _DATA_SET)
    _render_here(_PLAN, root / _DATA_SET, [0, 1], 1)


def _render_here(plan: generation.Plan, root: Path, missing: list[int], _workers: int) -> None:
    """In this process, which is confined."""
    for number in missing:
        generation._render_chunk(plan.render, root, plan.recipe, plan.chunks[number], number)


def _generated(root: Path) -> Any:
    out = shutil.copytree(root / _DATA_SET, root / "out" / _DATA_SET)
    with mock.patch.object(generation, "_render_chunks", _render_here):
        generation.generate(_PLAN, out, 1)
    return read_json(out / "annotations.json", "")


_GENERATED_RECIPES = tuple(
    recipe_subject(f"generated {name}", kind, getattr(_GENERATED, name))
    for name, kind in get_type_hints(Generated).items()
)

STAGES = (
    Subject("pretrain", _training, ("crops.npy", "crops.json", "crops.csv", "skeletons.npy", "start.pt"),
            command("liftedcl.pretrain", "--recipe", "{}/recipe.json", "--images", "{}/crops.npy", "--skeletons",
                    "{}/skeletons.npy", "--start", "{}/start.pt", "--out", "{}/out/run/seed0", printed=False),
            sealed=True, slow=True, keeps=True),
    Subject("downstream.lifting", _lifting, (*_LIFTING_RECIPES, *_ANNOTATIONS, "encoder.pt", "heads.pt"),
            command("downstream.lifting", "--recipe", "{}/recipe.json", "--encoder", "{}/encoder.pt", "--heads",
                    "{}/heads.pt", "--crops", "{}/crops.json", "--skeletons", "{}/skeletons.json", "--data", "{}",
                    "--out", "{}/out/lifting.json"), slow=True),
    Subject("downstream.cross_attention", _attention, (*_ATTENTION_RECIPES, _ANNOTATIONS[1], "encoder.pt", "heads.pt"),
            command("downstream.cross_attention", "--recipe", "{}/recipe.json", "--encoder", "{}/encoder.pt", "--heads",
                    "{}/heads.pt", "--crops", "{}/crops.json", "--data", "{}", "--out", "{}/out/a.png"), slow=True),
    Subject("h36m prepare", write_tiny_official, ("metadata.xml", _TAKE), _prepared(), keeps=True, slow=True),
    Subject("synthetic", _stopped_generation, (*_CHUNKS, _MARKER), _generated, keeps=True),
    *_GENERATED_RECIPES,
)  # fmt: skip
