"""The official Human3.6M distribution: metadata.xml, pose files (CDF) and videos of vision.imar.ro.

A take is one subject doing one action once, (subject, action, subaction); four cameras see it. Below the folder:
``metadata.xml`` and, per subject, ``S1/MyPoseFeatures/D3_Positions/NAME.cdf`` (world coordinates, mm),
``S1/MyPoseFeatures/D2_Positions/NAME.CAMERA.cdf`` (px) and ``S1/Videos/NAME.CAMERA.mp4``. The names of the
takes differ from subject to subject; metadata.xml holds the table.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from downstream.h36m.shared.camera import project_through_lens, world_to_camera
from downstream.h36m.shared.names import ACTIONS, CAMERAS
from liftedcl.data_sets.h36m.files import SUBJECTS
from liftedcl.files.rehearsal import rehearse
from liftedcl.identity.errors import InputError

JOINTS_OF_32 = (0, 1, 2, 3, 6, 7, 8, 12, 16, 14, 15, 17, 18, 19, 25, 26, 27)
"""The benchmarks' 17 joints (liftedcl/skeletons/skeleton.py) among the 32 of the distribution."""

Take = tuple[int, int, int]
View = tuple[Take, int]
"""A take and the camera, 1 to 4, that sees it."""
REMEDY = "docs/data/h36m.md lists what to download and where it goes"

_ALL_SUBJECTS = 11
_REPROJECTION_PX = 2.0
_ALIASES = (("TakingPhoto", "Photo"), ("WalkingDog", "WalkDog"))
"""Words for the same action in different releases; metadata.xml and the files may come from different ones."""


@dataclass(frozen=True)
class Lens:
    """One camera during one subject's recordings: X_c = R (X_w - t), then the lens, then f and c.

    ``R`` (3, 3), ``t`` (3,) mm, ``f`` and ``c`` (2,) px, ``k`` (3,) radial and ``p`` (2,) tangential distortion.
    """

    R: np.ndarray
    t: np.ndarray
    f: np.ndarray
    c: np.ndarray
    k: np.ndarray
    p: np.ndarray


@dataclass(frozen=True)
class Metadata:
    """``names``: take -> the distribution's name of it; ``lenses``: (subject, camera 1 to 4) -> Lens."""

    path: Path
    names: dict[Take, str]
    lenses: dict[tuple[int, int], Lens]


@dataclass(frozen=True)
class ViewPoses:
    """What one camera sees of a take: ``world`` (F, 17, 3) and ``seen`` (F, 17, 3, camera frame) in mm, ``pixels``
    (F, 17, 2), and ``extents`` (F, 4: x0, y0, x1, y1) of all 32 joints, toes and finger tips among them, in px.
    """

    world: np.ndarray
    seen: np.ndarray
    pixels: np.ndarray
    extents: np.ndarray

    def __len__(self) -> int:
        return len(self.world)


def read_metadata(official: Path) -> Metadata:
    """Read ``official/metadata.xml``: the files of the takes, and the cameras.

    The layout isn't documented and is therefore checked by reprojection when poses are read. Below ``mapping`` there
    are rows ``tr`` of cells ``td``, the first row "Action, Subaction, S1, ..."; ``w0`` is a list of 300 numbers, for
    each camera and subject 3 angles (R = Rx Ry Rz) and the position, then for each camera f, c, k and p.

    Raises:
        InputError: the file is missing, not XML, or laid out differently.
    """
    path = official / "metadata.xml"
    try:
        root = ElementTree.parse(path).getroot()
    except FileNotFoundError:
        raise InputError(f"{path}: not found; {REMEDY}") from None
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: not valid XML ({error}), truncated or damaged; {REMEDY}") from None
    names, lenses = _names(root), _lenses(root)
    if not names:
        raise InputError(f"{path}: its `mapping` lists no take of the actions 2 to 16; {REMEDY}")
    if lenses is None:
        raise InputError(f"{path}: its `w0` isn't the 300 numbers of 4 cameras and 11 subjects; {REMEDY}")
    return Metadata(path, names, lenses)


def _names(root: ElementTree.Element) -> dict[Take, str]:
    rows = [["".join(cell.itertext()).strip() for cell in row] for row in root.iterfind(".//mapping/tr")]
    header = next((row for row in rows if "S1" in row or "S9" in row), [])
    columns = {int(cell[1:]): i for i, cell in enumerate(header) if re.fullmatch(r"S\d+", cell)}
    subjects = [subject for split in SUBJECTS.values() for subject in split if subject in columns]
    names = {}
    for subject in subjects:
        for row in rows:
            if len(row) == len(header) and row[0].isdecimal() and row[1].isdecimal() and row[columns[subject]]:
                action, subaction = int(row[0]), int(row[1])
                if action in ACTIONS:
                    names[subject, action, subaction] = row[columns[subject]]
    return names


def _lenses(root: ElementTree.Element) -> dict[tuple[int, int], Lens] | None:
    element = root.find(".//w0")
    try:
        numbers = np.array(re.split(r"[\s,;]+", element.text.strip().strip("[] ")), dtype=np.float64)
        outside, inside = np.split(numbers, [len(CAMERAS) * _ALL_SUBJECTS * 6])
        outside = outside.reshape(len(CAMERAS), _ALL_SUBJECTS, 6)
        inside = inside.reshape(len(CAMERAS), 9)
    except (AttributeError, ValueError):
        return None
    if not np.isfinite(numbers).all():
        return None
    return {
        (subject, camera): Lens(
            _rotation(outside[camera - 1, subject - 1, :3]),
            outside[camera - 1, subject - 1, 3:],
            *np.split(inside[camera - 1], [2, 4, 7]),
        )
        for subject in range(1, _ALL_SUBJECTS + 1)
        for camera in range(1, len(CAMERAS) + 1)
    }


def _rotation(angles: np.ndarray) -> np.ndarray:
    """Rx Ry Rz of three angles in radians."""
    (a, b, c), (x, y, z) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, a, -x], [0, x, a]])
    about_y = np.array([[b, 0, y], [0, 1, 0], [-y, 0, b]])
    about_z = np.array([[c, -z, 0], [z, c, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def split_of(take: Take) -> str:
    """The split, train or test, that a take's subject belongs to."""
    return "train" if take[0] in SUBJECTS["train"] else "test"


def view_name(view: View) -> str:
    """The folder of a view's frames; a frame is ``NAME_%06d.jpg``, counted from 1."""
    (subject, action, subaction), camera = view
    return f"s_{subject:02d}_act_{action:02d}_subact_{subaction:02d}_ca_{camera:02d}"


def video_path(official: Path, metadata: Metadata, view: View) -> Path:
    """The video of a view."""
    take, camera = view
    return official_file(official / f"S{take[0]}" / "Videos", metadata.names[take], f".{CAMERAS[camera - 1]}.mp4")


def read_poses(official: Path, metadata: Metadata, view: View) -> ViewPoses:
    """The poses of a take, and where its camera sees them.

    Raises:
        InputError: a file is missing, damaged or laid out differently, or the world poses don't project to the
            image's through the camera of metadata.xml.
    """
    take, camera = view
    features, name = official / f"S{take[0]}" / "MyPoseFeatures", metadata.names[take]
    world_path = official_file(features / "D3_Positions", name, ".cdf")
    pixel_path = official_file(features / "D2_Positions", name, f".{CAMERAS[camera - 1]}.cdf")
    world, pixels = _read_cdf(world_path, 3), _read_cdf(pixel_path, 2)
    count = min(len(world), len(pixels))
    world, pixels = world[:count], pixels[:count]
    lens = metadata.lenses[take[0], camera]
    R, t, f, c, k, p = (np.broadcast_to(v, (count, *v.shape)) for v in (lens.R, lens.t, lens.f, lens.c, lens.k, lens.p))
    seen = world_to_camera(world, R, t)
    kept = list(JOINTS_OF_32)
    off = np.linalg.norm(project_through_lens(seen, f, c, k, p) - pixels, axis=2)[:, kept].mean()
    if not (seen[..., 2] > 0).all() or not off <= _REPROJECTION_PX:
        raise InputError(
            f"{pixel_path}: is {off:.1f} px away from {world_path.name} through the camera of {metadata.path}, more "
            f"than {_REPROJECTION_PX:g}; get metadata.xml and the pose files of one release again"
        )
    extents = np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1)
    return ViewPoses(world[:, kept], seen[:, kept], pixels[:, kept], extents)


def official_file(folder: Path, name: str, ending: str, remedy: str = REMEDY) -> Path:
    """The file of a take, under its name in metadata.xml or the name that other releases use.

    Raises:
        InputError: there is none; the message ends with ``remedy``.
    """
    names = [name]
    for one, other in _ALIASES:
        words = {one: other, other: one}
        names += [words[word] + name[len(word) :] for word in words if re.match(rf"{word}\b", name)]
    for path in (folder / f"{name}{ending}" for name in names):
        if path.is_file():
            return path
    raise InputError(f"{folder / (names[0] + ending)}: not found; {remedy}")


def _read_cdf(path: Path, dimension: int) -> np.ndarray:
    """Variable ``Pose`` of a pose file: (F, 32, dimension) float64."""
    import cdflib  # only these commands need it

    def read() -> np.ndarray:
        return np.asarray(cdflib.CDF(path).varget("Pose"), dtype=np.float64)

    rehearse(read, path, REMEDY)  # cdflib allocates what a damaged file claims
    try:
        pose = read().reshape(-1, 32, dimension)
    except Exception as error:  # a damaged file makes cdflib raise errors of many kinds
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: not a pose file ({reason}), truncated or damaged; {REMEDY}") from None
    if not len(pose) or not np.isfinite(pose).all():
        raise InputError(f"{path}: holds no poses, or NaN or infinity; {REMEDY}")
    return pose
