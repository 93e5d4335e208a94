"""The mean-keypoints predictor, which doesn't look at the image. A fine-tuned encoder must beat it.

It knows each person's crop, as a network does, and puts every joint where it is on average in the training crops.
No torch.
"""

import numpy as np

from downstream.samples.crop import apply_affine, crop_matrices, invert_affine
from downstream.samples.people import LabelledPeople, People


def mean_keypoints(train: LabelledPeople, people: People, size: tuple[int, int]) -> np.ndarray:
    """The same joints in every crop of ``people``: (N, J, 2) px of their images.

    Args:
        train: their visible joints are averaged; a joint that is never visible is put in the middle of the crop.
        size: width and height of the crops.
    """
    shown = train.visible[..., None]
    joints = apply_affine(crop_matrices(train.people.centres, train.people.widths, size=size), train.joints)
    counts = shown.sum(axis=0)
    mean = np.where(shown, joints, 0).sum(axis=0) / np.maximum(counts, 1)
    mean = np.where(counts > 0, mean, np.array(size) / 2)
    matrices = crop_matrices(people.centres, people.widths, size=size)
    return apply_affine(invert_affine(matrices), np.broadcast_to(mean, (len(people), *mean.shape)))
