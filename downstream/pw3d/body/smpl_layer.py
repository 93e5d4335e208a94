"""SMPL as a layer (Loper et al. 2015): smplx's skinning on any mesh with SMPL's arrays.

Only smplx's ``lbs`` is used: its SMPL class picks face landmarks by vertex numbers of the official mesh.
"""

import dataclasses

import numpy as np
import torch
from smplx.lbs import lbs
from torch import Tensor, nn

from downstream.pw3d.body.body_model import PARENTS, TRAINING_LANDMARKS, BodyArrays
from downstream.pw3d.body.regressors import Regressors


class SMPLLayer(nn.Module):
    """A body model: parameters to vertices and the joints of its tree.

    Checkpoints leave its arrays out: they are licensed, and the user has them in a file.
    """

    def __init__(self, body: BodyArrays) -> None:
        super().__init__()
        posedirs = body.posedirs.reshape(3 * len(body.v_template), -1).T
        arrays = {"v_template": body.v_template, "shapedirs": body.shapedirs, "posedirs": posedirs}
        for name, array in (arrays | {"joint_regressor": body.J_regressor, "weights": body.weights}).items():
            tensor = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
            self.register_buffer(name, tensor, persistent=False)
        self.register_buffer("_later_parents", torch.tensor(PARENTS[1:]), persistent=False)

    def forward(self, rotations: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        """Local rotations (N, 24, 3, 3) and betas (N, 10) to vertices (N, V, 3) and joints (N, 24, 3), in metres."""
        return lbs(
            betas,
            rotations,
            self.v_template,
            self.shapedirs,
            self.posedirs,
            self.joint_regressor,
            _Parents(self._later_parents),
            self.weights,
            pose2rot=False,
        )


class _Parents:
    """`PARENTS` as lbs asks for them: it walks the tree on the host, which would wait for a GPU at every joint, and
    picks all joints' parents on the device, where a list would have to be copied to at every step."""

    shape = (len(PARENTS),)

    def __init__(self, later: Tensor) -> None:
        self._later = later

    def __getitem__(self, key: int | slice) -> int | Tensor:
        return self._later if key == slice(1, None) else PARENTS[key]


class TrainingJoints(nn.Module):
    """The 24 joints of the annotation files. Only the vertices that joints are computed from are skinned.

    That leaves a body of some hundred vertices with the whole body's joints, to the last digits: its first 24 vertices
    are the joints at rest themselves, which are linear in the betas.
    """

    regressor: Tensor

    def __init__(self, body: BodyArrays, regressors: Regressors) -> None:
        super().__init__()
        used = np.flatnonzero(
            regressors.extra.any(axis=0) | np.isin(np.arange(len(body.v_template)), body.face_vertices)
        )
        self._layer = SMPLLayer(_cut(body, used))
        face = (used == body.face_vertices[:, None]).astype(np.float64)
        rows = np.concatenate([regressors.extra[:, used], face])
        regressor = np.concatenate([np.zeros((len(rows), 24)), rows], axis=1).astype(np.float32)
        self.register_buffer("regressor", torch.from_numpy(regressor), persistent=False)
        self.register_buffer("picked", torch.from_numpy(TRAINING_LANDMARKS), persistent=False)

    def forward(self, rotations: Tensor, betas: Tensor) -> Tensor:
        """Local rotations (N, 24, 3, 3) and betas (N, 10) to joints (N, 24, 3) in metres."""
        vertices, tree = self._layer(rotations, betas)
        return torch.cat([tree, self.regressor @ vertices], dim=1)[:, self.picked]


def _cut(body: BodyArrays, used: np.ndarray) -> BodyArrays:
    """A body of the vertices ``used``, behind 24 vertices that are its joints at rest."""
    return dataclasses.replace(
        body,
        v_template=np.concatenate([body.J_regressor @ body.v_template, body.v_template[used]]),
        shapedirs=np.concatenate([np.einsum("jv,vab->jab", body.J_regressor, body.shapedirs), body.shapedirs[used]]),
        posedirs=np.concatenate([np.zeros((24, *body.posedirs.shape[1:])), body.posedirs[used]]),
        J_regressor=np.eye(24, 24 + len(used)),
        weights=np.concatenate([np.eye(24), body.weights[used]]),
    )
