"""Recipes of what encoders are trained on: person crops, pairs of them, stage I images, sampled skeletons."""

from dataclasses import dataclass

from liftedcl.identity.strict import require, require_at_least, require_range
from liftedcl.skeletons.skeleton import JOINTS

_LARGEST_SIDE = 1 << 14  # pixels, of the square with the most pixels that an image is read with


@dataclass(frozen=True)
class Crops:
    """Person crops (paper, appendix A). Every ``h36m_stride``-th annotated frame of a Human3.6M take is cropped.

    The paper doesn't say how many frames table 7 trains on. The annotations hold 312,188, a tenth of a second apart.
    2, the default of params.yaml, leaves 156K; COCO has about 150K, so both data sets give as many steps an epoch.
    """

    height: int
    width: int
    min_keypoints: int
    min_side: float
    h36m_stride: int = 1

    def __post_init__(self) -> None:
        require_at_least(self, 1, "height", "width")
        require(self.height <= _LARGEST_SIDE, "height", f"{self.height} is more than {_LARGEST_SIDE} pixels")
        require(self.height * 3 == self.width * 4, "height", f"{self.height}x{self.width} is not height:width = 4:3")
        require(0 <= self.min_keypoints <= 17, "min_keypoints", f"{self.min_keypoints} is not from 0 to COCO's 17")
        require_at_least(self, 0, "min_side")
        require_at_least(self, 1, "h36m_stride")


@dataclass(frozen=True)
class H36MPairs:
    """Pairs of Human3.6M's crops, and how difficult they are: the share of a person that both show can't be computed.

    ``view_angle`` is the range of the angle in degrees between the optical axes of the two cameras of a view pair,
    ``pose_gap`` the range of the frames of the video, 50 a second, between the two moments of a pose pair. None makes
    no pairs of that kind. ``most`` is the largest number of pairs of each kind, drawn with ``seed`` from all that are
    in range. No number of these is published for people (Cross-view and Cross-pose Completion, CVPR 2024).
    """

    view_angle: tuple[float, float] | None
    pose_gap: tuple[int, int] | None
    most: int
    seed: int

    def __post_init__(self) -> None:
        if self.view_angle is not None:
            require_range(self, "view_angle", 0, 180, "set null for no view pairs")
        if self.pose_gap is not None:
            require_range(self, "pose_gap", 1, 1_000_000, "set null for no pose pairs")
        some = self.view_angle is not None or self.pose_gap is not None
        require(some, "pose_gap", "is null, as is view_angle, so there would be no pairs; give one of them a range")
        require_at_least(self, 1, "most")
        require_at_least(self, 0, "seed")


@dataclass(frozen=True)
class NtuFrames:
    """Which people of NTU RGB+D are cropped: of every ``stride``-th frame of a recording, in a box that reaches past
    the common joints by the share ``margin`` of its longer side.

    The frames of HCMoCo's published list are not known, and it crops no people: its views are cut from whole frames.
    """

    stride: int
    margin: float

    def __post_init__(self) -> None:
        require_at_least(self, 1, "stride")
        require_at_least(self, 0, "margin")
        require(self.margin <= 10, "margin", f"{self.margin:g} is more than ten times the person")


@dataclass(frozen=True)
class NtuPeople(NtuFrames):
    """People of NTU RGB+D as crops of a size."""

    height: int
    width: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "height", "width")
        require(self.height <= _LARGEST_SIDE, "height", f"{self.height} is more than {_LARGEST_SIDE} pixels")
        require(self.height * 3 == self.width * 4, "height", f"{self.height}x{self.width} is not height:width = 4:3")


@dataclass(frozen=True)
class Pictures:
    """Packed stage I images: the side in pixels of the square to which a whole picture is squeezed."""

    size: int

    def __post_init__(self) -> None:
        require_at_least(self, 1, "size")
        require(self.size <= _LARGEST_SIDE, "size", f"{self.size} is more than {_LARGEST_SIDE} pixels")


@dataclass(frozen=True)
class Angles:
    """Ranges [low, high] of a bone's three Euler angles in degrees; liftedcl/prior.py explains each."""

    a: tuple[float, float]
    b: tuple[float, float]
    c: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("a", "b", "c"):
            require_range(self, name, -360, 360)


@dataclass(frozen=True)
class Skeletons:
    """The kinematic prior (paper, appendix B). ``ranges`` maps composition -> joint that ends the bone -> angles."""

    count: int
    seed: int
    composition: str
    length_ratio: tuple[float, float]
    ranges: dict[str, dict[str, Angles]]

    def __post_init__(self) -> None:
        require_at_least(self, 1, "count")
        require_at_least(self, 0, "seed")
        require_range(self, "length_ratio", 0.01, 100)
        require(self.composition in ("chained", "global"), "composition", "is chained or global")
        require(self.composition in self.ranges, f"ranges.{self.composition}", "is missing")
        for composition, bones in self.ranges.items():
            require(composition in ("chained", "global"), f"ranges.{composition}", "is neither chained nor global")
            require(set(bones) == set(JOINTS[1:]), f"ranges.{composition}", f"names each of {', '.join(JOINTS[1:])}")
