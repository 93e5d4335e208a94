"""What pre-training reads and writes, and its commands, as subjects."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from fuzz.subject import Subject, command
from repository import REPOSITORY
from tiny.coco import write_tiny_coco
from tiny.depth.ntu import TAGS, write_tiny_ntu
from tiny.h36m import write_tiny_h36m
from tiny.mpii import write_tiny_mpii
from tiny.pretraining import ROWS, write_untrained_liftedcl
from tiny.shard import write_tiny_shard

from liftedcl.crops import make_crops, make_h36m_crops, make_mpii_crops, make_own_crops
from liftedcl.data_sets.ntu import files as ntu
from liftedcl.data_sets.ntu.skeleton_file import read_skeletons
from liftedcl.engine import checkpoint
from liftedcl.engine.history import read_history, write_history
from liftedcl.files.atomic import write_json, write_text
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import read_recipe, to_json
from liftedcl.images.modalities import open_modalities
from liftedcl.images.pairs import open_pairs
from liftedcl.images.shard import ShardWriter, open_shard
from liftedcl.images.shard_union import open_shards
from liftedcl.monitor.completion_record import CompletionRecord, read_completions, write_completions
from liftedcl.networks.encoder import build_backbone, load_encoder, save_encoder
from liftedcl.recipes.data_recipes import Crops, H36MPairs, NtuPeople, Pictures, Skeletons
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.skeletons.lifted_history import LiftedHistory, read_lifted_history, write_lifted_history
from liftedcl.skeletons.lifting_scores import LiftingScores, read_lifting_scores
from workflow.params import read_params

CROPS = Crops(height=64, width=48, min_keypoints=0, min_side=4.0)
NTU_PEOPLE = NtuPeople(stride=1, margin=0.15, height=64, width=48)
PICTURES = Pictures(size=32)
H36M_PAIRS = H36MPairs(view_angle=None, pose_gap=(1, 24), most=20, seed=0)
SKELETONS = dataclasses.replace(read_params(REPOSITORY / "params.yaml", {"profile": "demo"}).skeletons, count=20)
LIFTED = "liftedcl_in_cc"
RECIPE = "recipe.json"
_HISTORY = {"epoch": 1, "step": 10, "encoder/inv": 2.0, "encoder/equiv": 3.0, "critic/lsgan": 0.5,
            "features/mean_cosine": 0.8, "features/rank": 20.0}  # fmt: skip


def write_recipe(root: Path, recipe: Any) -> None:
    """``recipe.json`` in a folder."""
    write_text(root / RECIPE, to_json(recipe))


def recipe_subject(name: str, kind: type, recipe: Any) -> Subject:
    """A recipe, as every command reads it."""
    return Subject(f"recipe of {name}", lambda root: write_recipe(root, recipe), (RECIPE,),
                   lambda root: read_recipe(kind, str(root / RECIPE)))  # fmt: skip


# ------------------------------------------------------------------------------------------------- tensors
def _encoder(root: Path) -> None:
    torch.manual_seed(0)
    save_encoder(build_backbone("resnet18_narrow"), root / "encoder.pt")


def _checkpoint(root: Path) -> None:
    checkpoint.save(root, {"recipe": {"a": 1}}, {"step": 3, "weights": torch.arange(40.0)})


def _read_checkpoint(root: Path) -> Any:
    state = checkpoint.load(root, {"recipe": {"a": 1}}, torch.device("cpu"))
    if state is None:
        raise InputError("starting over, which it has said")
    return state


TENSORS = (
    Subject("an encoder", _encoder, ("encoder.pt",),
            lambda root: load_encoder(root / "encoder.pt", "resnet18_narrow").state_dict(), sealed=True),
    Subject("a checkpoint", _checkpoint, ("last.pt",), _read_checkpoint, sealed=True),
    Subject("weights import", _encoder, ("encoder.pt",),
            command("liftedcl.weights", "import", "{}/encoder.pt", "--source", "own", "--backbone", "resnet18_narrow",
                    "--out", "{}/out/encoder.pt", told=False)),
)  # fmt: skip


# ------------------------------------------------------------------------------------------------- images
def _shard(root: Path) -> None:
    rng = np.random.default_rng(0)
    with ShardWriter(root / "crops.npy", 64, 48, ("file", "label")) as writer:
        for i in range(8):
            writer.append(rng.integers(0, 256, (64, 48, 3), dtype=np.uint8), (f"{i}.jpg", i % 3))


def _read_shard(root: Path) -> Any:
    shard = open_shard(root / "crops.npy")
    return shard.gather(np.arange(len(shard))), shard.index.to_dict(), shard.checksum


def _own(root: Path) -> None:
    for name in ("a.png", "b/c.jpg"):
        (root / "people" / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / "people" / name), np.random.default_rng(1).integers(0, 255, (90, 70, 3), np.uint8))
    images = [{"id": n, "file_name": name, "width": 70, "height": 90} for n, name in ((1, "a.png"), (2, "b/c.jpg"))]
    people = [{"id": n, "image_id": n % 2 + 1, "bbox": [5, 6, 40 + n, 70]} for n in range(4)]
    write_json(root / "people/boxes.json", {"images": images, "annotations": people})
    write_recipe(root, CROPS)


def _coco(root: Path) -> None:
    write_tiny_coco(root, train=4, val=1)
    write_recipe(root, CROPS)


def _h36m(root: Path) -> None:
    write_tiny_h36m(root, train=4, test=2)
    write_recipe(root, CROPS)


def _paired(root: Path) -> None:
    write_tiny_shard(root / "crops.npy", 8)


def _read_pairs(root: Path) -> Any:
    pairs = open_pairs(open_shard(root / "crops.npy"))
    return pairs.first, pairs.second, pairs.kinds


def _packed_h36m(root: Path) -> None:
    write_tiny_h36m(root, train=24, test=2)
    make_h36m_crops(root, root / "out/crops.npy", CROPS)  # the pairs are written beside them
    write_recipe(root, H36M_PAIRS)


def _packed_own(root: Path) -> None:
    _own(root)
    make_own_crops(root / "people", root / "out/crops.npy", CROPS)
    write_text(root / "people/pairs.csv", "first,second,kind\n0,1,view\n2,3,pose\n1,0,view\n")


_NTU_FILES = (ntu.LIST, *(path(Path(), TAGS[0]).as_posix() for path in (ntu.skeleton_path, ntu.video_path)),
              ntu.depth_path(Path(), TAGS[0], 0).as_posix())  # fmt: skip


def _ntu(root: Path) -> None:
    write_tiny_ntu(root)
    write_recipe(root, NTU_PEOPLE)


def _packed_coco(root: Path) -> None:
    write_tiny_coco(root, train=4, val=1)
    make_crops(root, "train", root / "out/crops.npy", CROPS)


def _mpii(root: Path) -> None:
    write_tiny_mpii(root)
    write_recipe(root, CROPS)


def _packed_mpii(root: Path) -> None:
    _mpii(root)
    make_mpii_crops(root, root / "out/crops.npy", CROPS)


def _read_modalities(root: Path) -> Any:
    shard = open_shard(root / "crops.npy")
    found = open_modalities(shard)
    return found.joints, found.labelled, found.depth(np.arange(len(shard)), shard.image_size)


def _imagenet(root: Path) -> None:
    for i in range(4):
        path = root / f"train/n{i % 2}/{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.random.default_rng(i).integers(0, 255, (40, 50, 3), np.uint8))
    write_recipe(root, PICTURES)


def _crops(*words: str) -> Callable[[Path], Any]:
    return command(
        "liftedcl.crops", "--recipe", f"{{}}/{RECIPE}", "--workers", "1", "--out", "{}/out/crops.npy", *words
    )


IMAGES = (
    Subject("a shard", _shard, ("crops.npy", "crops.csv"), _read_shard, sealed=True),
    Subject("shards together", _shard, ("crops.npy", "crops.json"),
            lambda root: len(open_shards([root / "crops.npy", root / "crops.npy"]))),
    Subject("crops of COCO", _coco, ("annotations/person_keypoints_train2017.json", RECIPE,
                                     "train2017/000000000007.jpg"), _crops("--coco", "{}", "--split", "train")),
    Subject("crops of Human3.6M", _h36m, ("annotations/Sample_trainmin_train_Human36M_protocol_2.json", RECIPE),
            _crops("--h36m", "{}")),
    Subject("crops of own people", _own, ("people/boxes.json", "people/a.png", RECIPE),
            _crops("--people", "{}/people")),
    Subject("crops of MPII", _mpii, ("annot/train.json",), _crops("--mpii", "{}")),
    Subject("modalities", _paired, ("crops.modalities.csv", "crops.depth.npy", "crops.depth.csv"), _read_modalities,
            sealed=True),
    Subject("description of modalities", _paired, ("crops.modalities.json", "crops.depth.json"), _read_modalities),
    Subject("joints of COCO", _packed_coco, ("annotations/person_keypoints_train2017.json",),
            command("liftedcl.modalities", "--coco", "{}", "--crops", "{}/out/crops.npy", "--sheet", "{}/out/x.png")),
    Subject("joints of MPII", _packed_mpii, ("annot/train.json",),
            command("liftedcl.modalities", "--mpii", "{}", "--crops", "{}/out/crops.npy")),
    Subject("NTU skeletons", write_tiny_ntu, (_NTU_FILES[1],), lambda root: [
        vars(body) for frame in read_skeletons(root / _NTU_FILES[1]) for body in frame]),
    Subject("crops of NTU", _ntu, (*_NTU_FILES, RECIPE),
            command("liftedcl.ntu", "--data", "{}", "--recipe", f"{{}}/{RECIPE}", "--out", "{}/out/crops.npy",
                    "--workers", "1", "--sheet", "{}/out/x.png")),
    Subject("ntu check", write_tiny_ntu, _NTU_FILES,
            command("downstream.ntu.__main__", "check", "--data", "{}", told=False)),
    Subject("pairs", _paired, ("crops.pairs.csv",), _read_pairs, sealed=True),
    Subject("description of pairs", _paired, ("crops.pairs.json",), _read_pairs),
    Subject("pairs of Human3.6M", _packed_h36m, ("annotations/Sample_trainmin_train_Human36M_protocol_2.json", RECIPE),
            command("liftedcl.pairs", "--h36m", "{}", "--crops", "{}/out/crops.npy", "--recipe", f"{{}}/{RECIPE}",
                    "--sheet", "{}/out/x.png")),
    Subject("pairs of own people", _packed_own, ("people/pairs.csv", "people/boxes.json"),
            command("liftedcl.pairs", "--people", "{}/people", "--crops", "{}/out/crops.npy",
                    "--sheet", "{}/out/x.png")),
    Subject("pictures", _imagenet, ("train/n0/0.jpg", RECIPE),
            command("liftedcl.pictures", "--recipe", f"{{}}/{RECIPE}", "--imagenet", "{}", "--split", "train",
                    "--workers", "1", "--out", "{}/out/pictures.npy")),
    Subject("imagenet check", _imagenet, ("train/n0/0.jpg",),
            command("downstream.imagenet.__main__", "check", "--data", "{}", told=False)),
)  # fmt: skip


# ------------------------------------------------------------------------------------------------- trainings
def _run(root: Path) -> None:
    """What a training of LiftedCL leaves, and what it started from."""
    _shard(root)
    write_untrained_liftedcl(root, ROWS[LIFTED])
    write_recipe(root, ROWS[LIFTED])
    write_history(root / "history.csv", [_HISTORY, _HISTORY | {"epoch": 2, "step": 20, "encoder/inv": 1.5}])
    skeletons = np.random.default_rng(0).normal(size=(3, 2, 17, 3)).astype(np.float32)
    write_lifted_history(root / "lifted.npz", LiftedHistory(np.array([0, 4]), np.array([0, 1, 4]), skeletons))
    write_json(root / "lifting.json", dataclasses.asdict(LiftingScores(9, 210.0, 125.0, 212.0, 0.25, 0.5, 0.3, 0.75)))


def _completed(root: Path) -> None:
    shard = write_tiny_shard(root / "crops.npy", 8)
    write_completions(root / "completed.npz", CompletionRecord(ROWS["vit_croco"], shard, (6, 6)).history())


def _skeletons(root: Path) -> None:
    write_recipe(root, SKELETONS)


_LIFT = (
    "--recipe",
    f"{{}}/{RECIPE}",
    "--encoder",
    "{}/encoder.pt",
    "--heads",
    "{}/heads.pt",
    "--images",
    "{}/crops.npy",
)
_CURVES = ("{}/history.csv", "--out", "{}/out/x")

TRAININGS = (
    Subject("a history", _run, ("history.csv",), lambda root: read_history(root / "history.csv")),
    Subject("lifted skeletons", _run, ("lifted.npz",),
            lambda root: read_lifted_history(root / "lifted.npz"), sealed=True),
    Subject("completed images", _completed, ("completed.npz",),
            lambda root: vars(read_completions(root / "completed.npz")), sealed=True),
    Subject("completion_progress", _completed, ("completed.npz",),
            command("liftedcl.completion_progress", "{}/completed.npz", "--names", "x", "--out", "{}/out/x.png",
                    told=False)),
    Subject("lifting scores", _run, ("lifting.json",), lambda root: read_lifting_scores(root / "lifting.json")),
    Subject("training_curves", _run, ("history.csv",), command("liftedcl.training_curves", *_CURVES, told=False)),
    Subject("training_summary", _run, ("history.csv",), command("liftedcl.training_summary", *_CURVES)),
    Subject("tensorboard", _run, ("history.csv",),
            command("liftedcl.tensorboard", "{}", "--out", "{}/out", told=False)),
    Subject("lifting_progress", _run, ("lifted.npz", "crops.npy", "crops.json"),
            command("liftedcl.lifting_progress", "--lifted", "{}/lifted.npz", "--images", "{}/crops.npy",
                    "--out", "{}/out/x.png", told=False)),
    Subject("lifted_figure", _run, ("heads.pt", "crops.json", "lifting.json", RECIPE),
            command("liftedcl.lifted_figure", *_LIFT, "--scores", "{}/lifting.json", "--out", "{}/out/x.png",
                    told=False)),
    Subject("prior", _skeletons, (RECIPE,),
            command("liftedcl.prior", "--recipe", f"{{}}/{RECIPE}", "--out", "{}/out/skeletons.npy")),
)  # fmt: skip

RECIPES = (
    recipe_subject("crops", Crops, CROPS),
    recipe_subject("NTU's people", NtuPeople, NTU_PEOPLE),
    recipe_subject("pairs of Human3.6M", H36MPairs, H36M_PAIRS),
    recipe_subject("pictures", Pictures, PICTURES),
    recipe_subject("skeletons", Skeletons, SKELETONS),
    *(recipe_subject(row, EncoderRecipe, ROWS[row]) for row in (LIFTED, "pixpro_in_cc", "supervised_in")),
)

ENCODERS = (*TENSORS, *IMAGES, *TRAININGS, *RECIPES)
