"""One identity: a shape with clothes and colours, the same in all its poses, scenes and cameras."""

from dataclasses import dataclass

import numpy as np

from synthetic.people.body import load_body, skin
from synthetic.people.outfit import DressedMesh, dress, sample_outfit
from synthetic.textures.noise import cloth_colour
from synthetic.textures.textures import TextureBank

_SKIN = np.array(
    [(238, 200, 174), (228, 184, 148), (224, 172, 120), (198, 134, 84), (141, 85, 46), (92, 58, 38)], np.float64
)
_HAIR = np.array([(26, 22, 20), (55, 36, 24), (96, 62, 34), (170, 126, 70), (140, 140, 140), (120, 50, 22)], np.float64)


@dataclass(frozen=True)
class Person:
    """``betas`` (10,), ``outfit`` of dtype OUTFIT, the dressed mesh, ``palette`` (6, 3) RGB, two cloth textures."""

    betas: np.ndarray
    outfit: np.ndarray
    mesh: DressedMesh
    palette: np.ndarray
    cloth: tuple[np.ndarray, np.ndarray]
    body_vertices: np.ndarray
    rest_joints: np.ndarray


@dataclass(frozen=True)
class PosedPerson:
    """A person in a pose. ``vertices`` (V, 3) dressed, ``landmarks`` (30, 3) of the body's skin, both in the world.

    ``pose`` (24, 3, 3) and ``translation`` (3,) reproduce the body with the parametric model.
    """

    person: Person
    vertices: np.ndarray
    landmarks: np.ndarray
    pose: np.ndarray
    translation: np.ndarray


def sample_person(bank: TextureBank, rng: np.random.Generator, *, trousers: bool = False) -> Person:
    """Draw an identity that wears textures of ``bank``; ``trousers`` as in `sample_outfit`."""
    body = load_body()
    betas = np.clip(rng.normal(0, 0.9, 10), -2.2, 2.2)
    outfit = sample_outfit(body, rng, trousers=trousers)
    mesh = dress(body, betas, outfit, rng)
    shaped = body.shaped(betas)
    cloth = (bank.cloth(rng), bank.cloth(rng))
    return Person(betas, outfit, mesh, _palette(rng), cloth, shaped, body.J_regressor @ shaped)


def stand(person: Person, pose: np.ndarray, place: np.ndarray) -> PosedPerson:
    """Pose a person: its lowest point touches the ground, its root is above or beside ``place`` (x, z)."""
    body = load_body()
    dressed = skin(person.mesh.vertices, person.mesh.weights, person.rest_joints, pose)
    naked = skin(person.body_vertices, body.weights, person.rest_joints, pose)
    translation = np.array([place[0], 0.01 - naked[:, 1].min(), place[1]])
    return PosedPerson(person, dressed + translation, body.landmark_regressor @ naked + translation, pose, translation)


def _palette(rng: np.random.Generator) -> np.ndarray:
    """Skin, hair, shoes, hat, socks and scarf, in the order of surface.py's rows."""
    tone = rng.uniform(0, len(_SKIN) - 1.001)
    index = int(tone)
    skin_colour = _SKIN[index] * (1 - tone + index) + _SKIN[index + 1] * (tone - index)
    hair = _HAIR[rng.choice(6, p=[0.3, 0.25, 0.2, 0.12, 0.08, 0.05])] * rng.uniform(0.7, 1.3)
    shoe = cloth_colour(rng) * (0.5 if rng.random() < 0.5 else 1.0)
    return np.stack([skin_colour, hair, shoe, cloth_colour(rng), 0.5 * cloth_colour(rng) + 110, cloth_colour(rng)])
