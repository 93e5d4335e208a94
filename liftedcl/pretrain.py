"""Pre-train one encoder: a recipe, packed images and a starting point -> ``encoder.pt``."""

import argparse
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from liftedcl.engine import checkpoint, distributed
from liftedcl.engine.device import prepare_device
from liftedcl.engine.loop import Player, fit, step_seed
from liftedcl.files.array_file import read_array
from liftedcl.files.atomic import exclusive, sha256_of_file, write_json
from liftedcl.identity.code_digest import code_digest
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.provenance import commit_of, describe
from liftedcl.identity.recipe import plain, read_recipe
from liftedcl.images.batches import Batch, ShardBatches
from liftedcl.images.modalities import open_modalities
from liftedcl.images.pair_batches import PairBatch, PairBatches, checksum_of
from liftedcl.images.pairs import open_pairs
from liftedcl.images.people_batches import PeopleBatch, PeopleBatches
from liftedcl.images.shard import Shard
from liftedcl.images.shard_union import ShardUnion, open_shards
from liftedcl.methods import encoder_modules, lifts, method_class, uses_depth
from liftedcl.monitor.run_monitor import RunMonitor
from liftedcl.networks.encoder import Backbone, build_backbone, load_encoder, save_encoder, save_state
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.recipes.method_entries import MethodEntry
from liftedcl.recipes.outside_method import CLONES, method_of
from liftedcl.skeletons.lifted_history import write_lifted_history
from liftedcl.skeletons.skeleton import NUM_JOINTS
from liftedcl.views.view_draw import view_size


class PretrainingTask:
    """A method and its data: the engine's `Task`."""

    def __init__(
        self, method: nn.Module, recipe: EncoderRecipe, shard: Shard | ShardUnion, seed: int, device: torch.device
    ):
        batch_size = recipe.training.batch_size
        if batch_size % distributed.size():
            raise InputError(
                f"training.batch_size: {distributed.size()} processes do not divide a batch of {batch_size}"
            )
        self._data = training_batches(recipe, shard, seed)
        self._method, self.epochs = method, recipe.training.epochs
        self._lifting = method.heads["lifting"] if lifts(recipe) else None
        self.monitor = RunMonitor(shard, size=view_size(recipe.views), epochs=self.epochs, lifts=lifts(recipe))
        self.module = nn.ModuleDict({"method": method, "monitor": self.monitor}).to(device)
        self.module.to(memory_format=torch.channels_last)  # a fifth faster on a CPU, and more on a GPU
        self.steps_per_epoch = self._data.steps_per_epoch
        self.images_per_step = batch_size
        self.players: dict[str, Player] = method.players(recipe, self.epochs * self.steps_per_epoch)
        self.losses = method.losses
        self.observe(0)

    def compile(self) -> None:
        """Let torch.compile fuse the backbones' kernels."""
        for name, module in self._method.named_modules():
            if name in ("backbone", "key.backbone"):
                module.compile()

    def observe(self, epoch: int) -> dict[str, float]:
        """Columns of the history after ``epoch`` epochs: the features' health, and what the method observes itself."""
        health = self.monitor.look(epoch, self._method.backbone, self._lifting)
        return health | (self._method.observe(epoch) if hasattr(self._method, "observe") else {})

    def batches(self, epoch: int, first_step: int) -> Iterator[Batch | PairBatch | PeopleBatch]:
        return self._data.epoch(epoch, first_step)


def training_batches(
    recipe: EncoderRecipe, shard: Shard | ShardUnion, seed: int
) -> ShardBatches | PairBatches | PeopleBatches:
    """The batches of a recipe: of pairs where it names their kinds, of people if it has views of people."""
    options = {"batch_size": recipe.training.batch_size, "seed": seed}
    if recipe.people is not None:
        return PeopleBatches(shard, depth=uses_depth(recipe), **options)
    if recipe.pairs is None:
        return ShardBatches(shard, **options)
    return PairBatches(shard, open_pairs(shard), recipe.pairs.kinds, **options)


def pretrain(
    recipe: EncoderRecipe,
    *,
    seed: int,
    images: list[Path] | None,
    start: Path | None,
    skeletons: Path | None,
    threads: int,
    compiled: bool,
    out: Path,
) -> None:
    """Train and write ``encoder.pt``, ``heads.pt``, ``history.csv`` and ``provenance.json`` into ``out``.

    After a kill, the same call goes on from ``out/last.pt``, which is removed on success. A row without training
    (method ``random``) only writes ``encoder.pt`` and ``provenance.json``.

    Raises:
        InputError: an input is missing or damaged or doesn't fit the recipe, or a loss is not finite.
    """
    started, device, entry = time.time(), prepare_device(threads), method_of(recipe)
    inputs: dict[str, str] = {}
    torch.manual_seed(step_seed(seed, -1))
    backbone = _starting_backbone(recipe, start, inputs)
    identity = {
        "recipe": plain(recipe),
        "seed": seed,
        "threads": threads,
        "processes": distributed.size(),
        "compiled": compiled,
        "inputs": inputs,
        "code": code_digest(*encoder_modules(entry), place=entry.place),
        "torch": str(torch.__version__),
        "device": device.type,
    }
    if recipe.training is not None:
        if not images:
            raise InputError(f"--images: missing; method {recipe.method} trains on a packed shard")
        shard = open_shards(images)
        inputs["images"] = shard.checksum
        if recipe.pairs is not None:
            inputs["pairs"] = checksum_of(open_pairs(shard))
        if recipe.people is not None:
            inputs["modalities"] = open_modalities(shard).checksum
        sampled = _read_skeletons(skeletons, inputs)
        method = method_class(entry)(recipe, backbone, shard, sampled)
        if recipe.multimodal is not None and recipe.multimodal.continues:
            if start is None:
                raise InputError("multimodal.continues: is true, and the recipe has no start, whose networks it means")
            method.continue_from(start.with_name("heads.pt"))
            inputs["start_heads"] = sha256_of_file(start.with_name("heads.pt"))
        task = PretrainingTask(method, recipe, shard, seed, device)
        if compiled:
            task.compile()
        run = {"folder": out, "identity": identity, "seed": seed, "device": device, "name": out.parent.name}
        fit(task, **run, autocast=device.type == "cuda", observe=task.observe)
        if distributed.rank() > 0:
            return
        save_state(method.heads.state_dict(), out / "heads.pt")
        if lifts(recipe):
            write_lifted_history(out / "lifted.npz", task.monitor.history())
        if hasattr(method, "write_observed"):
            method.write_observed(out)
    save_encoder(backbone, out / "encoder.pt")
    write_json(
        out / "provenance.json",
        describe(
            recipe=identity["recipe"],
            seed=seed,
            inputs=inputs,
            code=identity["code"],
            started=started,
            device=distributed.device_name(device),
        )
        | ({"outside": outside_record(recipe, entry)} if entry.file else {}),
    )
    checkpoint.discard(out)


def outside_record(recipe: EncoderRecipe, entry: MethodEntry) -> dict[str, Any]:
    """What provenance says of a method from outside beside its recipe: the file's SHA-256, and the commit it is of."""
    folder = CLONES / recipe.commit if recipe.commit else entry.place.folder
    return {"sha256": sha256_of_file(entry.file), **commit_of(folder)}


def _starting_backbone(recipe: EncoderRecipe, start: Path | None, inputs: dict[str, str]) -> Backbone:
    if (start is None) != (recipe.start is None):
        raise InputError(
            f"--start: the recipe starts from {recipe.start or 'random weights'}; give or leave out --start"
        )
    drop_path = recipe.adamw.drop_path if recipe.adamw is not None else 0.0
    if start is None:
        return build_backbone(recipe.backbone, drop_path=drop_path)
    backbone = load_encoder(start, recipe.backbone, drop_path=drop_path)
    inputs["start"] = sha256_of_file(start)
    return backbone


def _read_skeletons(path: Path | None, inputs: dict[str, str]) -> np.ndarray | None:
    if path is None:
        return None
    skeletons = read_array(path, "make it with python -m liftedcl.prior")
    shaped = skeletons.ndim == 3 and skeletons.shape[1:] == (NUM_JOINTS, 3) and len(skeletons) > 0
    if not shaped or skeletons.dtype.kind != "f" or not np.isfinite(skeletons).all():
        raise InputError(
            f"{path}: holds {skeletons.shape} {skeletons.dtype}, not finite skeletons (N, 17, 3) with N above 0; "
            "make it with python -m liftedcl.prior"
        )
    inputs["skeletons"] = sha256_of_file(path)
    return skeletons.astype(np.float32)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.pretrain",
        description="Pre-train one encoder. Run the same command again after a kill: it goes on where it was.",
        epilog='example: python -m liftedcl.pretrain --recipe "$(python -m workflow.params encoders.moco_v2_in)" '
        "--seed 0 --images runs/demo/pictures.npy --out runs/by_hand/seed0",
    )
    add = parser.add_argument
    add("--recipe", required=True, help="one row of encoders: JSON text or file; see python -m workflow.params")
    add("--seed", type=int, default=0, help="decides weights, order and augmentation (default: %(default)s)")
    add("--images", type=Path, nargs="+", metavar="NAME.npy", help="shards of liftedcl.crops or liftedcl.pictures")
    add("--start", type=Path, help="encoder.pt to start from, if the recipe names a row to start from")
    add("--skeletons", type=Path, help="sampled skeletons of liftedcl.prior (.npy), for method liftedcl")
    add("--threads", type=int, default=1, help="CPU threads; part of the run's identity (default: %(default)s)")
    add("--compile", dest="compiled", action="store_true", help="torch.compile the backbones; for a GPU")
    add("--out", type=Path, required=True, help="folder for encoder.pt, heads.pt, history.csv, provenance.json")
    arguments: dict[str, Any] = vars(parser.parse_args(words))
    recipe = read_recipe(EncoderRecipe, arguments.pop("recipe"))
    if recipe.method == "published":
        raise InputError("--recipe: a published encoder is not trained; use python -m liftedcl.weights import")
    with distributed.joined(), exclusive(arguments["out"]) if distributed.rank() == 0 else contextlib.nullcontext():
        pretrain(recipe, **arguments)


if __name__ == "__main__":
    run_cli(main)
