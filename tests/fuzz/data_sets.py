"""The readers of the data sets, and the commands of each, as subjects."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from fuzz.subject import Subject, command
from tiny.coco import write_tiny_coco
from tiny.h36m import write_tiny_h36m
from tiny.h36m_official import write_tiny_official
from tiny.lip import write_tiny_lip
from tiny.mpii import write_tiny_mpii
from tiny.mpii_release import write_tiny_release
from tiny.parsing.h36m_parsing import parts, write_tiny_parsing
from tiny.pw3d import smpl_arrays, write_body_files, write_tiny_pw3d
from tiny.pw3d_release import sequence

from downstream.coco import reader as coco
from downstream.coco.annotations import read_annotations as read_coco
from downstream.coco.results import HEADLINE, IN_ANNOTATED_BOXES
from downstream.coco.results import read_predictions as read_coco_results
from downstream.h36m.parsing.labels import VALUE_OF
from downstream.h36m.parsing.reader import read_parsing
from downstream.h36m.pose_2d.reader import annotation_path as frames_path
from downstream.h36m.pose_2d.reader import read_h36m_2d, read_joints
from downstream.h36m.pose_3d.reader import annotation_path as poses_path
from downstream.h36m.pose_3d.reader import read_h36m_3d, read_poses
from downstream.h36m.pose_3d.scores import true_poses
from downstream.h36m.release.official import read_metadata
from downstream.h36m.release.official import read_poses as read_official_poses
from downstream.h36m.release.part_labels import read_part_labels
from downstream.h36m.shared import prediction_file
from downstream.h36m.shared.mpii_mix import read_mix as read_mpii_mix
from downstream.lip.files import image_path, label_path, list_path
from downstream.lip.predictions import read_prediction
from downstream.lip.reader import read_label, read_lip, read_names
from downstream.mpii.files import annotation_path as mpii_path
from downstream.mpii.files import truth_path
from downstream.mpii.predictions import read_predictions as read_mpii_predictions
from downstream.mpii.predictions import write_predictions as write_mpii_predictions
from downstream.mpii.reader import read_mpii
from downstream.mpii.release import read_release, split
from downstream.mpii.truth import read_truth
from downstream.pw3d.body import body_model
from downstream.pw3d.body.body_model import read_bodies, read_body, read_mean_parameters
from downstream.pw3d.body.posed_people import lsp_joints
from downstream.pw3d.body.regressors import read_regressors
from downstream.pw3d.files import TEST
from downstream.pw3d.files import annotation_path as shapes_path
from downstream.pw3d.predictions import Predictions, write_predictions
from downstream.pw3d.predictions import read_predictions as read_shape_predictions
from downstream.pw3d.prepare import smpl_arrays as read_smpl
from downstream.pw3d.reader import read_annotations as read_shapes
from downstream.pw3d.reader import read_mix, read_shape_split
from downstream.pw3d.scores import pose_matrices
from downstream.reading.frames import read_picture
from downstream.reading.restricted_pickle import load_plain
from liftedcl.data_sets.coco.files import DETECTIONS
from liftedcl.data_sets.h36m.parsing_files import PARSING, PARSING_DEPTH, PARSING_LABELS, PART_VARIABLE
from liftedcl.files.hdf5_mat import write_cells
from liftedcl.images.coco_people import read_people as read_coco_people
from liftedcl.images.h36m_people import read_h36m_people

_HERE = Path()


def _name(path: Path) -> str:
    """A place of a data set below its root."""
    return path.as_posix()


# ------------------------------------------------------------------------------------------------- COCO
_TRAIN, _VAL = (_name(coco.annotation_path(_HERE, split)) for split in ("train", "val"))
_PICTURE = "train2017/000000000007.jpg"


def write_coco(root: Path) -> None:
    """The data set, and ``predictions.json``, as `write_mpii` and the others do in their formats."""
    write_tiny_coco(root, train=8, val=3)
    people = json.loads((root / _VAL).read_text())["annotations"]
    keys = ("image_id", "category_id", "keypoints")
    found = [{key: person[key] for key in keys} | {"score": 0.5} for person in people if person["num_keypoints"]]
    for name in (HEADLINE, IN_ANNOTATED_BOXES):
        (root / name).write_text(json.dumps(found))


COCO = (
    Subject("COCO annotations", write_coco, (_VAL,), lambda root: read_coco(root / _VAL)),
    Subject("COCO people", write_coco, (_TRAIN,), lambda root: coco.read_people(root, "train")),
    Subject("COCO people for crops", write_coco, (_TRAIN,), lambda root: read_coco_people(root, "train")),
    Subject("COCO detections", write_coco, (DETECTIONS, _VAL), coco.read_detections),
    Subject("COCO results", write_coco, ("predictions.json",),
            lambda root: read_coco_results(root / "predictions.json", root / _VAL)),
    Subject("a picture", write_coco, (_PICTURE,), lambda root: read_picture(root / _PICTURE)),
    Subject("coco check", write_coco, (_VAL, _TRAIN, DETECTIONS, _PICTURE),
            command("downstream.coco.__main__", "check", "--data", "{}", told=False)),
    Subject("coco evaluate", write_coco, (_VAL, "predictions.json"),
            command("downstream.coco.__main__", "evaluate", "--annotations", f"{{}}/{_VAL}",
                    "--predictions", "{}/predictions.json", "--out", "{}/out/scores.json")),
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- MPII
_VALID, _TRUTH = _name(mpii_path(_HERE, "valid")), _name(truth_path(_HERE))


def write_mpii(root: Path) -> None:
    write_tiny_mpii(root, train=8, valid=4)
    truth = read_truth(root / _TRUTH)
    write_mpii_predictions(root / "predictions.mat", truth.joints + 3.0)


def _release(root: Path) -> None:
    write_tiny_release(root / "release.mat")
    (root / "list.txt").write_text("a.jpg 1\nb.jpg\n")


MPII = (
    Subject("MPII people", write_mpii, (_VALID,), lambda root: read_mpii(root, "valid")),
    Subject("MPII mix", write_mpii, (_name(mpii_path(_HERE, "train")),), read_mpii_mix),
    Subject("MPII truth", write_mpii, (_TRUTH,), lambda root: read_truth(root / _TRUTH), sealed=True),
    Subject("MPII predictions", write_mpii, ("predictions.mat",),
            lambda root: read_mpii_predictions(root / "predictions.mat", 4), sealed=True),
    Subject("MPII release", _release, ("release.mat",), lambda root: read_release(root / "release.mat")),
    Subject("MPII validation list", _release, ("list.txt",),
            lambda root: split(read_release(root / "release.mat")[0], root / "list.txt")),
    Subject("mpii check", write_mpii, (_VALID, _TRUTH, "images/valid_000.jpg"),
            command("downstream.mpii.__main__", "check", "--data", "{}", told=False)),
    Subject("mpii prepare", _release, ("release.mat", "list.txt"),
            command("downstream.mpii.__main__", "prepare", "--release", "{}/release.mat",
                    "--validation", "{}/list.txt", "--out", "{}/out")),
    Subject("mpii evaluate", write_mpii, (_TRUTH, "predictions.mat"),
            command("downstream.mpii.__main__", "evaluate", "--annotations", f"{{}}/{_TRUTH}",
                    "--predictions", "{}/predictions.mat", "--out", "{}/out/scores.json")),
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- Human3.6M
_POSES, _FRAMES = _name(poses_path(_HERE, "test")), _name(frames_path(_HERE, "test"))
_TRAIN_POSES = _name(poses_path(_HERE, "train"))
_CDF = "S1/MyPoseFeatures/D3_Positions/Directions 1.cdf"


def write_h36m(root: Path) -> None:
    write_tiny_h36m(root, train=8, test=4)
    poses, frames = read_poses(root / _POSES), read_joints(root / _FRAMES, 1)
    write = prediction_file.write_predictions
    write(root / "poses.npz", "poses", true_poses(poses) * 1.02, poses.names)
    write(root / "joints.npz", "joints", frames.joints + 3.0, frames.names, head_size=25.6, test_stride=1)


def _evaluate_h36m(benchmark: str, annotations: str, predictions: str) -> Callable[[Path], Any]:
    words = ("--annotations", f"{{}}/{annotations}", "--predictions", f"{{}}/{predictions}", "--out", "{}/out/s.json")
    return command("downstream.h36m.__main__", "evaluate", "--benchmark", benchmark, *words)


H36M = (
    Subject("Human3.6M poses", write_h36m, (_POSES,), lambda root: read_h36m_3d(root, "test")),
    Subject("Human3.6M frames", write_h36m, (_FRAMES,), lambda root: read_h36m_2d(root, "test", 1)),
    Subject("Human3.6M people for crops", write_h36m, (_TRAIN_POSES,), lambda root: read_h36m_people(root, 1)),
    Subject("Human3.6M predictions", write_h36m, ("poses.npz",), lambda root: prediction_file.read_predictions(
        root / "poses.npz", "poses", 3, read_poses(root / _POSES).names), sealed=True),
    Subject("h36m check", write_h36m, (_POSES, _FRAMES),
            command("downstream.h36m.__main__", "check", "--data", "{}", told=False)),
    Subject("h36m evaluate, 3D", write_h36m, (_POSES, "poses.npz"), _evaluate_h36m("h36m_3d", _POSES, "poses.npz")),
    Subject("h36m evaluate, 2D", write_h36m, (_FRAMES, "joints.npz"), _evaluate_h36m("h36m_2d", _FRAMES, "joints.npz")),
    Subject("Human3.6M metadata", write_tiny_official, ("metadata.xml",), read_metadata),
    Subject("Human3.6M CDF files", write_tiny_official, (_CDF,), lambda root: read_official_poses(
        root, read_metadata(root), ((1, 2, 1), 1))),
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- Human3.6M parsing
PARSED_FRAME = "s_09_act_02_subact_01_ca_01/s_09_act_02_subact_01_ca_01_000001"
_PARTS, _DEPTH = f"{PARSING_LABELS}/{PARSED_FRAME}.png", f"{PARSING_DEPTH}/{PARSED_FRAME}.png"
_FRAMES_LIST = PARSING["test"]
_PART_MAT = "S1/MySegmentsMat/PartLabels/Directions 1.54138969.mat"


def write_parsing(root: Path) -> None:
    write_tiny_parsing(root, train=8, test=2)
    shutil.copytree(root / PARSING_LABELS, root / "predictions")


def _all_of_h36m(root: Path) -> None:
    write_h36m(root)
    write_tiny_parsing(root, train=8, test=2)


def _part_labels(root: Path) -> None:
    path = root / _PART_MAT
    path.parent.mkdir(parents=True)
    write_cells(path, PART_VARIABLE, [VALUE_OF[parts(20, 20, seed)] for seed in range(3)])


PARSING_SUBJECTS = (
    Subject("Human3.6M parsing", write_parsing, (_FRAMES_LIST, _PARTS), lambda root: read_parsing(root, "test", 1)),
    Subject("Human3.6M parts", write_parsing, (_PARTS,), lambda root: read_parsing(root, "test", 1).label(0),
            sealed=True),
    Subject("Human3.6M depth", write_parsing, (_DEPTH,),
            lambda root: read_parsing(root, "test", 1, depth=True).image(0)),
    Subject("Human3.6M part labels", _part_labels, (_PART_MAT,), lambda root: read_part_labels(root / _PART_MAT, 1)),
    Subject("h36m check, parsing", _all_of_h36m, (_FRAMES_LIST, _PARTS),
            command("downstream.h36m.__main__", "check", "--data", "{}", told=False)),
    Subject("h36m evaluate, parsing", write_parsing, (_FRAMES_LIST, f"predictions/{PARSED_FRAME}.png"),
            _evaluate_h36m("h36m_parsing", _FRAMES_LIST, "predictions")),
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- 3DPW
_TEST, _TRAIN_SHAPES = _name(shapes_path(_HERE, TEST)), _name(shapes_path(_HERE, "h36m_train_protocol1"))
_MALE, _MEAN, _REGRESSOR = "smpl/male.npz", "smpl/smpl_mean_params.npz", "smpl/J_regressor_h36m.npy"


def write_pw3d(root: Path) -> None:
    write_tiny_pw3d(root, test=4)
    truth, bodies = read_shape_split(root, TEST), read_bodies(root)
    rotations = pose_matrices(truth.pose)
    joints = lsp_joints(rotations, truth.betas, bodies[0], read_regressors(root, bodies[0]))
    found = Predictions(rotations, truth.betas, np.zeros((len(truth.betas), 3)), joints)
    for name in ("predictions.npz", "predictions_low.npz"):
        write_predictions(root / name, found, truth.names, resolution_scalars=8)


def _smpl(root: Path) -> None:
    (root / "SMPL_MALE.pkl").write_bytes(pickle.dumps(smpl_arrays(), protocol=2))


def _read_smpl(root: Path) -> Any:
    """The tiny body's pickle, as if SMPL had its few vertices: reading all would take hours."""
    few = {"SMPL_VERTICES": 96, "_SMPL_FACE": smpl_arrays()["face_vertices"]}
    with mock.patch.multiple(body_model, **few):
        return read_smpl(root / "SMPL_MALE.pkl")


def _sequences(root: Path) -> None:
    (root / "walk.pkl").write_bytes(pickle.dumps(sequence(np.random.default_rng(0)), protocol=2))


PW3D = (
    Subject("3DPW people", write_pw3d, (_TEST,), lambda root: read_shape_split(root, TEST), sealed=True),
    Subject("3DPW training people", write_pw3d, (_TRAIN_SHAPES,), read_mix, sealed=True),
    Subject("SMPL body", write_body_files, (_MALE,), lambda root: read_body(root / _MALE), sealed=True),
    Subject("SMPL mean parameters", write_body_files, (_MEAN,), read_mean_parameters, sealed=True),
    Subject("SMPL regressors", write_body_files, (_REGRESSOR,),
            lambda root: read_regressors(root, read_bodies(root)[0])),
    Subject("3DPW predictions", write_pw3d, ("predictions.npz",), lambda root: read_shape_predictions(
        root / "predictions.npz", read_shapes(root / _TEST, root)), sealed=True),
    Subject("SMPL pickle", _smpl, ("SMPL_MALE.pkl",), _read_smpl),
    # What its numbers mean is for whoever asked for them, such as the next but one.
    Subject("a pickle", _sequences, ("walk.pkl",), lambda root: load_plain(root / "walk.pkl", "get it again") and None),
    Subject("pw3d check", write_pw3d, (_TEST, _TRAIN_SHAPES, "smpl/female.npz", _REGRESSOR),
            command("downstream.pw3d.__main__", "check", "--data", "{}", told=False)),
    Subject("pw3d prepare", _sequences, ("walk.pkl",),
            command("downstream.pw3d.__main__", "prepare", "--sequences", "{}", "--out", "{}/out")),
    Subject("pw3d evaluate", write_pw3d, (_TEST, "predictions.npz", "smpl/male.npz", _REGRESSOR),
            command("downstream.pw3d.__main__", "evaluate", "--annotations", f"{{}}/{_TEST}", "--body", "{}/smpl",
                    "--predictions", "{}/predictions.npz", "--out", "{}/out/scores.json")),
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- LIP
_LIST, _ID = _name(list_path(_HERE, "val")), "0_1000"
_LABEL, _IMAGE = _name(label_path(_HERE, "val", _ID)), _name(image_path(_HERE, "val", _ID))
_EVALUATE_LIP = ("evaluate", "--annotations", "{}/truth", "--predictions", "{}/predictions", "--out", "{}/out/s.json")


def write_lip(root: Path) -> None:
    write_tiny_lip(root, train=9, val=3)
    for folder in ("predictions", "predictions_student"):
        shutil.copytree((root / _LABEL).parent, root / folder)
    (root / "truth").mkdir()
    shutil.copy(root / _LABEL, root / "truth")


LIP = (
    Subject("LIP list", write_lip, (_LIST,), lambda root: read_names(root / _LIST)),
    Subject("LIP label map", write_lip, (_LABEL,), lambda root: read_label(root / _LABEL), sealed=True),
    Subject("LIP samples", write_lip, (_LIST, _LABEL, _IMAGE), lambda root: read_lip(root, "val")),
    Subject("LIP prediction", write_lip, (f"predictions/{_ID}.png",),
            lambda root: read_prediction(root / f"predictions/{_ID}.png", (50, 70), root / _LABEL), sealed=True),
    Subject("lip check", write_lip, (_LIST, _LABEL, _IMAGE),
            command("downstream.lip.__main__", "check", "--data", "{}", told=False)),
    Subject("lip evaluate", write_lip, (f"truth/{_ID}.png", f"predictions/{_ID}.png"),
            command("downstream.lip.__main__", *_EVALUATE_LIP)),
)  # fmt: skip

DATA_SETS = (*COCO, *MPII, *H36M, *PARSING_SUBJECTS, *PW3D, *LIP)
