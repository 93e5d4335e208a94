"""Human3.6M's files: JSON of Li et al. (2021) and pickles of Qiu et al. (2019), about the same images."""

SUBJECTS = {"train": (1, 5, 6, 7, 8), "test": (9, 11)}
POSES = {
    "train": "annotations/Sample_trainmin_train_Human36M_protocol_2.json",
    "test": "annotations/Sample_64_test_Human36M_protocol_2.json",
}
"""For 3D pose, and for the person boxes of pre-training."""
JOINTS = {"train": "annot/h36m_train.pkl", "test": "annot/h36m_validation.pkl"}
"""For 2D pose."""
GENERATED = (*POSES.values(), *JOINTS.values())
"""Files that synthetic/ writes last; they complete generated data."""

REMEDY = "see docs/data/h36m.md for the layout, or name the right folder with --config h36m=FOLDER"
