"""Draw outfits and turn a shape and an outfit into a dressed mesh in the T-pose."""

from dataclasses import dataclass

import numpy as np

from synthetic.people import accessories, garments
from synthetic.people.accessories import Piece
from synthetic.people.body import HEAD, LEFT_EYE, RIGHT_EAR, Body, vertex_normals
from synthetic.people.garments import OUTFIT

_THICKNESS_M = {
    garments.UPPER_CLOTHES: 0.015,
    garments.COAT: 0.025,
    garments.DRESS: 0.011,
    garments.PANTS: 0.017,
    garments.JUMPSUIT: 0.015,
    garments.SKIRT: 0.011,
    garments.SCARF: 0.028,
    garments.HAIR: 0.016,
    garments.HAT: 0.018,
    garments.LEFT_SHOE: 0.01,
    garments.RIGHT_SHOE: 0.01,
    garments.GLOVE: 0.004,
    garments.SOCKS: 0.004,
}
"""The greatest distance of each garment from the skin."""


@dataclass(frozen=True)
class DressedMesh:
    """Body and accessories in the T-pose; V vertices, F faces.

    ``canonical`` are coordinates on the mean shape, for `garment_at`; ``face_label`` is -1 where that rule decides and
    a fixed label elsewhere; ``face_part`` is the joint that moves a face most.
    """

    vertices: np.ndarray
    canonical: np.ndarray
    weights: np.ndarray
    faces: np.ndarray
    face_part: np.ndarray
    face_label: np.ndarray


def sample_outfit(body: Body, rng: np.random.Generator, *, trousers: bool = False) -> np.ndarray:
    """Draw one outfit, a scalar of dtype `OUTFIT`; ``trousers`` rules out skirts, dresses and jumpsuits."""
    joints = body.rest_joints
    outfit = np.zeros((), OUTFIT)
    outfit["kind"] = garments.TROUSERS if trousers else rng.choice(4, p=[0.68, 0.12, 0.12, 0.08])
    shares = {"hat": 0.18, "gloves": 0.08, "sunglasses": 0.12, "scarf": 0.10, "coat": 0.22}
    for name, share in shares.items():
        outfit[name] = rng.random() < share
    shoulder, elbow, wrist = joints[[16, 18, 20], 0]
    sleeves = [shoulder * 0.95, shoulder + 0.45 * (elbow - shoulder), elbow, wrist - 0.01]
    outfit["sleeve"] = sleeves[rng.choice(4, p=[0.12, 0.38, 0.12, 0.38])]
    if outfit["coat"]:
        outfit["sleeve"] = sleeves[3]
    hip, knee, ankle = joints[[1, 4, 7], 1]
    hems = [hip + 0.35 * (knee - hip), knee + 0.05, knee + 0.5 * (ankle - knee), ankle + 0.03]
    trousers_like = outfit["kind"] in (garments.TROUSERS, garments.WITH_JUMPSUIT)
    outfit["hem"] = hems[rng.choice(4, p=[0.12, 0.18, 0.1, 0.6] if trousers_like else [0.25, 0.4, 0.25, 0.1])]
    outfit["waist"] = joints[3, 1] * rng.uniform(-0.6, 0.9)
    outfit["neckline"] = rng.uniform(0, 0.085)
    outfit["sock"] = ankle + rng.choice([0, 0.03, 0.09, 0.2])
    outfit["shoe"] = ankle + (rng.uniform(0.01, 0.03) if rng.random() < 0.85 else rng.uniform(0.1, 0.2))
    outfit["wrist"], outfit["neck"] = wrist + 0.01, joints[12, 1]
    face = body.landmark_regressor[LEFT_EYE : RIGHT_EAR + 1] @ body.v_template
    outfit["eyes"] = eyes = face[:2, 1].mean()
    top = body.v_template[body.part == HEAD, 1].max()
    outfit["hairline"] = eyes + 0.38 * (top - eyes) + rng.uniform(-0.005, 0.02)
    outfit["hair_depth"] = face[2:, 2].mean() + rng.uniform(0.005, 0.03)
    return outfit


def dress(body: Body, betas: np.ndarray, outfit: np.ndarray, rng: np.random.Generator) -> DressedMesh:
    """Put an outfit on a shape: most garments are the skin moved outwards; skirts, hair and brims are own meshes."""
    skin = body.shaped(betas)
    pieces = [Piece(_padded(body, skin, outfit, rng), body.v_template, body.weights, body.faces, -1)]
    joints = body.J_regressor @ skin
    if outfit["kind"] in (garments.WITH_SKIRT, garments.WITH_DRESS):
        pieces.append(accessories.skirt(body, skin, joints, outfit, rng))
    head = skin[body.part == HEAD]
    if rng.random() < 0.4 and not outfit["scarf"]:
        pieces.append(accessories.long_hair(head, rng))
    elif rng.random() < 0.15 and not outfit["hat"]:
        pieces.append(accessories.bun(head))
    if outfit["hat"]:
        brim_height = outfit["hairline"] - body.rest_joints[HEAD, 1] + joints[HEAD, 1]
        pieces.append(accessories.brim(head, brim_height, rng))
    return _joined(pieces)


def _padded(body: Body, skin: np.ndarray, outfit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Skin vertices (V, 3) moved out to the surface of what covers them."""
    thickness = np.array([_THICKNESS_M.get(label, 0.0) for label in range(20)])
    thickness *= rng.uniform(0.3, 1.0)
    thickness[garments.HAIR] = rng.uniform(0.006, 0.028)
    labels = garments.label_vertices(body.v_template, body.part, outfit[()])
    return skin + vertex_normals(skin, body.faces) * thickness[labels][:, None]


def _joined(pieces: list[Piece]) -> DressedMesh:
    first = np.cumsum([0] + [len(piece.vertices) for piece in pieces])
    vertices, canonical, weights = (
        np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("vertices", "canonical", "weights")
    )
    faces = np.concatenate([piece.faces + start for piece, start in zip(pieces, first[:-1], strict=True)])
    part = weights.argmax(1)[faces[:, 0]].astype(np.int32)
    label = np.concatenate([np.full(len(piece.faces), piece.label, np.int32) for piece in pieces])
    return DressedMesh(vertices, canonical, weights, faces.astype(np.int32), part, label)
