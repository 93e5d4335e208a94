"""Does lifting lift? Skeletons lifted from crops of Human3.6M's test people, whose true 3D poses are known.

Three comparisons say whether they follow the image: a person's own skeleton must be nearer to the truth than other
people's, and than one mean skeleton, and skeletons of different people must differ. A lifted skeleton has no size and
its own direction of view, so it is compared after the best similarity. Nothing is fitted to the people measured.
"""

import argparse
import dataclasses
import time
from pathlib import Path

import numpy as np

from downstream.h36m.pose_3d.person_crops import crops_of
from downstream.h36m.pose_3d.reader import annotation_path, read_h36m_3d, read_poses
from downstream.h36m.pose_3d.scores import true_poses
from downstream.metrics import pa_mpjpe, procrustes_align
from liftedcl.engine import distributed
from liftedcl.engine.device import prepare_device
from liftedcl.files.atomic import sha256_of_file, write_json
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.code_digest import code_digest
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.provenance import describe
from liftedcl.identity.recipe import read_recipe
from liftedcl.lift import lift
from liftedcl.prior import sample_skeletons
from liftedcl.recipes.data_recipes import Crops, Skeletons
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.skeletons.lifting_scores import LiftingScores
from liftedcl.skeletons.skeleton import BONE_LENGTHS_CM, BONES, JOINTS

MODULE = "downstream.lifting"
_EXCHANGES = 20
_MEAN_STEPS = 10


def measure(lifted: np.ndarray, truth: np.ndarray, training: np.ndarray, prior: Skeletons) -> LiftingScores:
    """Compare lifted skeletons with the true poses of the same people.

    Args:
        lifted: (N, 17, 3), root 0, at any scale.
        truth: root-relative poses of the same people, (N, 17, 3) in mm.
        training: root-relative poses of other people, (M, 17, 3) in mm, of which the mean skeleton is made.
        prior: the recipe of the sampled skeletons.

    Raises:
        InputError: there are fewer than two people.
    """
    count = len(truth)
    if count < 2:
        raise InputError("one true pose alone: skeletons can't be exchanged; give a test split of at least two people")
    mean = np.broadcast_to(mean_skeleton(training), truth.shape)
    sampled = sample_skeletons(count, np.random.default_rng([prior.seed]), prior)
    spread = diversity(sampled)
    return LiftingScores(
        people=count,
        pa_mpjpe_mm=pa_mpjpe(lifted, truth),
        mean_skeleton_mm=pa_mpjpe(mean, truth),
        exchanged_mm=exchanged_error(lifted, truth),
        bones_in_range=float(bones_in_range(lifted, prior.length_ratio).mean()),
        true_bones_in_range=float(bones_in_range(truth, prior.length_ratio).mean()),
        diversity=diversity(lifted) / spread,
        true_diversity=diversity(truth) / spread,
    )


def exchanged_error(skeletons: np.ndarray, poses: np.ndarray) -> float:
    """PA-MPJPE of ``skeletons`` (N, 17, 3) and ``poses`` (N, 17, 3) if each person is given another's skeleton.

    It is a mean over up to 20 permutations in which nobody keeps their own: of 21 people or fewer, over every exchange.
    """
    order = np.random.default_rng(0).permutation(len(poses))  # neighbours in the data are frames of one movement
    steps = range(1, min(len(poses), _EXCHANGES + 1))
    return float(np.mean([pa_mpjpe(skeletons[order], poses[np.roll(order, step)]) for step in steps]))


def diversity(skeletons: np.ndarray) -> float:
    """Mean PA-MPJPE between different ones of ``skeletons`` (N, 17, 3), root 0, all scaled to Frobenius norm 1."""
    unit = skeletons / np.linalg.norm(skeletons, axis=(1, 2), keepdims=True).clip(min=1e-8)  # a point stays a point
    return exchanged_error(unit, unit)


def mean_skeleton(poses: np.ndarray) -> np.ndarray:
    """The mean of ``poses`` (N, 17, 3), each aligned to it (generalised Procrustes; Gower 1975): (17, 3).

    The strongest constant: unlike the lifting network, it knows true poses, those of the training people. A mean over
    unaligned poses would be of people who look in all directions, and no body.
    """
    mean = poses[0]
    for _ in range(_MEAN_STEPS):
        mean = procrustes_align(poses, np.broadcast_to(mean, poses.shape)).mean(axis=0)
    return mean


def bones_in_range(skeletons: np.ndarray, length_ratio: tuple[float, float]) -> np.ndarray:
    """Whether the bones of each of ``skeletons`` (N, 17, 3) are ones that the prior samples, whatever their size: (N,).

    The prior's bones are the template's times ratios from ``length_ratio``. The size of a normalised skeleton is
    unknown, so it is in range if some size puts all bones there: if its largest ratio to the template is at most
    ``length_ratio[1] / length_ratio[0]`` times its smallest.
    """
    parents, children = np.array(BONES).T
    lengths = np.linalg.norm(skeletons[:, children] - skeletons[:, parents], axis=2)
    ratios = lengths / np.array([BONE_LENGTHS_CM[JOINTS[child]] for child in children])
    shortest, longest = ratios.min(axis=1), ratios.max(axis=1)
    allowed = length_ratio[1] / length_ratio[0] * (1 + 1e-4)  # sampled skeletons are float32
    return (shortest > 0) & (longest <= allowed * shortest)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog=f"python -m {MODULE}",
        description="Lift test people of Human3.6M with a pre-trained LiftedCL and compare the skeletons with their "
        "true poses, beside a mean skeleton and skeletons exchanged between people. Writes lifting.json, and "
        "lifting.provenance.json beside it.",
        epilog=f'example: python -m {MODULE} --recipe "$(python -m workflow.params encoders.liftedcl_in_cc)" '
        '--encoder RUN/encoder.pt --heads RUN/heads.pt --crops "$(python -m workflow.params crops)" '
        '--skeletons "$(python -m workflow.params skeletons)" --data data/demo/h36m --out RUN/lifting.json',
    )
    add = parser.add_argument
    add("--recipe", required=True, help="the encoder's row: JSON text or file; see python -m workflow.params")
    add("--encoder", type=Path, required=True, help="encoder.pt of the run")
    add("--heads", type=Path, required=True, help="heads.pt of the run")
    add("--crops", required=True, help="section crops of params.yaml: JSON text or file")
    add("--skeletons", required=True, help="section skeletons of params.yaml: JSON text or file")
    add("--data", type=Path, required=True, help="folder of Human3.6M (docs/data/h36m.md)")
    add("--people", type=int, default=2000, help="at most, of each split, spread evenly (default: %(default)s)")
    add("--out", type=Path, required=True, help="lifting.json to write")
    arguments = parser.parse_args(words)
    if arguments.people < 2:
        raise InputError(f"--people {arguments.people}: needs at least 2")
    started, device = time.time(), distributed.device_name(prepare_device(1))
    recipe, crops = read_recipe(EncoderRecipe, arguments.recipe), read_recipe(Crops, arguments.crops)
    prior = read_recipe(Skeletons, arguments.skeletons)
    test, training = read_h36m_3d(arguments.data, "test"), read_poses(annotation_path(arguments.data, "train"))
    rows, others = (evenly_spread(len(poses), arguments.people) for poses in (test, training))
    networks = {"encoder": arguments.encoder, "heads": arguments.heads}
    lifted = lift(recipe, **networks, images=crops_of(test, rows, crops))
    scores = measure(lifted, true_poses(test)[rows], true_poses(training)[others], prior)
    files = networks | {split: annotation_path(arguments.data, split) for split in ("train", "test")}
    about = {
        "recipe": {**dataclasses.asdict(recipe), "crops": dataclasses.asdict(crops), "people": arguments.people},
        "inputs": {name: sha256_of_file(path) for name, path in files.items()},
    }
    provenance = describe(**about, seed=None, code=code_digest(MODULE), started=started, device=device)
    write_json(arguments.out.with_suffix(".provenance.json"), provenance)
    write_json(arguments.out, dataclasses.asdict(scores))
    print(scores.in_one_line(), flush=True)


if __name__ == "__main__":
    run_cli(main)
