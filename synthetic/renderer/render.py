"""Rendering: people, things, an environment and a camera become an image with its ground truth."""

from dataclasses import dataclass

import cv2
import numpy as np

from synthetic.people.body import vertex_normals
from synthetic.people.garments import OUTFIT, Meshes, Truth, label_pixels
from synthetic.people.person import PosedPerson
from synthetic.props.solids import Solid
from synthetic.renderer.background import fill_background
from synthetic.renderer.camera import Camera
from synthetic.renderer.environment import Environment, Light
from synthetic.renderer.raster import FAR_M, fill_shadow_map, nothing_visible, rasterise
from synthetic.renderer.shading import Lit, ShadowMap, compose, develop, lit_surface
from synthetic.renderer.surface import UNTEXTURED, Looks, empty_surface, fill_figures

_SHADOW_CELLS, _SHADOW_REACH_M = 384, 14.0
_LEAST_GAIN, _MOST_GAIN = 0.6, 1.4


@dataclass(frozen=True)
class Frame:
    """An image (H, W, 3) uint8 RGB and what each of its pixels shows.

    ``depth`` is float32 metres along the view axis; ``label`` uint8 classes of LIP, 0-19; ``instance`` uint8 the
    person, from 1 on, 0 for none; ``part`` uint8 the number + 1 of the joint that moves the surface.
    """

    image: np.ndarray
    depth: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    part: np.ndarray


def render_background(environment: Environment, camera: Camera) -> Lit:
    """Render an environment without people and things."""
    surface = empty_surface(camera.height, camera.width)
    fill_background(surface, environment.place, camera)
    return lit_surface(surface, np.stack(environment.textures), environment.light, camera)


def render(
    people: list[PosedPerson],
    solids: list[Solid],
    environment: Environment,
    camera: Camera,
    rng: np.random.Generator,
    *,
    background: Lit | None = None,
    noise: float | None = None,
    blur: float = 0.6,
) -> Frame:
    """Render one image.

    Args:
        people: in the order of their instance numbers.
        solids: all things but the ground.
        rng: draws the sensor's noise, and also its strength when ``noise`` (grey values) is None.
        background: what `render_background` returned, for a camera that takes several images.
        blur: standard deviation of the lens's blur in pixels.
    """
    background = background or render_background(environment, camera)
    height, width = camera.height, camera.width
    meshes = _gather(people, solids)
    seen = nothing_visible(height, width)
    rasterise(camera.to_camera(meshes.vertices), meshes.faces, camera, seen)
    looks, textures = _looks(people, solids)
    blank = (np.zeros((height, width), np.uint8) for _ in range(3))
    truth = Truth(np.empty((height, width, 3), np.float32), *blank)
    label_pixels(truth, seen.triangle, seen.barycentric, meshes, looks.outfits)
    surface = empty_surface(height, width)
    normals = vertex_normals(meshes.vertices, meshes.faces)
    fill_figures(surface, seen, meshes, normals, truth, looks, environment.place.relief, camera)
    figures = lit_surface(surface, np.stack(textures or environment.textures), environment.light, camera)
    linear = np.empty((height, width, 3), np.float32)
    shadow = _shadow_map(meshes, environment.light, camera)
    compose(background, figures, surface.normal, seen, shadow, camera, linear)
    return Frame(_developed(linear, environment, rng, noise, blur), seen.depth, truth.label, truth.instance, truth.part)


def render_depth(people: list[PosedPerson], solids: list[Solid], camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """What a depth camera sees: metres along its axis, (H, W) float32, and whose surface it is, (H, W) as `Frame`'s."""
    meshes, seen = _gather(people, solids), nothing_visible(camera.height, camera.width)
    rasterise(camera.to_camera(meshes.vertices), meshes.faces, camera, seen)
    owners = np.where(seen.triangle >= 0, meshes.owner[seen.triangle], 0)
    return seen.depth, owners.clip(0).astype(np.uint8)


def _looks(people: list[PosedPerson], solids: list[Solid]) -> tuple[Looks, list[np.ndarray]]:
    """How people and props look (one of each where there are none), and the textures that its indices mean."""
    textures = [texture for p in people for texture in p.person.cloth]
    solid_texture = np.full(max(len(solids), 1), UNTEXTURED, np.int16)
    for k, solid in enumerate(solids):
        if solid.material.texture is not None:
            solid_texture[k] = len(textures)
            textures.append(solid.material.texture)
    looks = Looks(
        np.array([p.person.outfit[()] for p in people] or [np.zeros((), OUTFIT)[()]], OUTFIT),
        np.stack([p.person.palette for p in people] or [np.zeros((6, 3))]),
        np.arange(2 * max(len(people), 1)).reshape(-1, 2),
        solid_texture,
        np.stack([solid.material.tint for solid in solids] or [np.zeros(3)]).astype(np.float64),
        np.array([solid.material.gloss for solid in solids] or [0.0]),
    )
    return looks, textures


def _gather(people: list[PosedPerson], solids: list[Solid]) -> Meshes:
    none = np.zeros(0)
    parts = [Meshes(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3)), none, none, none)]
    for number, posed in enumerate(people, start=1):
        mesh, owner = posed.person.mesh, np.full(len(posed.person.mesh.faces), number)
        parts.append(Meshes(posed.vertices, mesh.canonical, mesh.faces, mesh.face_part, mesh.face_label, owner))
    for number, solid in enumerate(solids, start=1):
        canonical, zeros = np.pad(solid.uv, ((0, 0), (0, 1))), np.zeros(len(solid.faces))
        parts.append(Meshes(solid.vertices, canonical, solid.faces, zeros, zeros, zeros - number))
    first = np.cumsum([0] + [len(part.vertices) for part in parts])
    numbered = [part._replace(faces=part.faces + start) for part, start in zip(parts, first[:-1], strict=True)]
    vertices, canonical, *whole = (np.concatenate(arrays) for arrays in zip(*numbered, strict=True))
    return Meshes(vertices, canonical, *(array.astype(np.int32) for array in whole))


def _shadow_map(meshes: Meshes, light: Light, camera: Camera) -> ShadowMap:
    """For a better resolution the map only covers what is near the camera; far things still cast shadows into it."""
    nearest = np.full((_SHADOW_CELLS, _SHADOW_CELLS), FAR_M)
    if len(meshes.vertices) == 0:
        return ShadowMap(nearest, light.axes, np.zeros(2), 1.0)
    points = meshes.vertices @ light.axes.T
    near = np.linalg.norm(meshes.vertices - camera.centre, axis=1) < _SHADOW_REACH_M
    covered = points[near, :2] if near.any() else points[:, :2]
    origin = covered.min(0) - 0.1
    scale = (_SHADOW_CELLS - 1) / float(np.ptp(covered, axis=0).max() + 0.2)
    points[:, :2] = (points[:, :2] - origin) * scale
    fill_shadow_map(points, meshes.faces, nearest)
    return ShadowMap(nearest, light.axes, origin, scale)


def _developed(
    linear: np.ndarray, environment: Environment, rng: np.random.Generator, noise: float | None, blur: float
) -> np.ndarray:
    """Apply lens blur, automatic exposure, colour cast and noise; (H, W, 3) uint8."""
    if blur:
        linear = cv2.GaussianBlur(linear, (0, 0), blur)
    exposure = environment.exposure / max(float(linear[::8, ::8].mean()), 15.0)
    gain = environment.gain * min(max(exposure, _LEAST_GAIN), _MOST_GAIN)
    image = np.empty(linear.shape, np.uint8)
    strength = float(rng.uniform(1, 9)) if noise is None else noise
    develop(linear, image, np.uint64(rng.integers(1, 2**63)), strength, gain)
    return image
