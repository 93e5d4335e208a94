"""What a profile without real data generates: one recipe a data set."""

from dataclasses import dataclass, fields

from liftedcl.identity.strict import require, require_at_least

_LEAST = {
    "seed": 0,
    "width": 48,  # pixels: in smaller scenes no person covers enough to be labelled
    "height": 48,
    "depth_width": 48,
    "depth_height": 48,
    "image_size": 32,  # pixels: in smaller images a person may cover no pixel
    "train_people": 20,  # fewer would leave one of the six training sets empty
    "one_hall": False,
}
"""The smallest values of fields; those of the others, which are numbers of things, are 1."""
_MOST_PEOPLE = 4  # of a scene
_LIP_CLASSES = 20  # every class has an image that is drawn to show it


@dataclass(frozen=True)
class _Recipe:
    seed: int

    def __post_init__(self) -> None:
        for field in fields(self):
            require_at_least(self, _LEAST.get(field.name, 1), field.name)


@dataclass(frozen=True)
class _Facing(_Recipe):
    """``facing``: people are turned away from the camera by at most this angle, in degrees; 180 is any way.

    Where all are seen from the front, their left is on one side of the image, and takes few steps to be learnt. In a
    hall the angle is that to the line from its middle to the camera.
    """

    facing: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.facing <= 180, "facing", f"{self.facing} is more than 180 degrees")


@dataclass(frozen=True)
class GeneratedCoco(_Facing):
    """Generated people in COCO's format; scenes of width x height pixels."""

    train_scenes: int
    val_scenes: int
    width: int
    height: int


@dataclass(frozen=True)
class GeneratedH36M(_Recipe):
    """Generated people in Human3.6M's format: 7 subjects, 15 actions, 2 takes, 4 cameras."""

    frames_per_take: int
    image_size: int


@dataclass(frozen=True)
class GeneratedImagenet(_Recipe):
    """Generated images without people that replace ImageNet: an ImageFolder with classes."""

    classes: int
    images_per_class: int
    image_size: int


@dataclass(frozen=True)
class GeneratedPw3d(_Facing):
    """Generated people in SPIN's format for 3DPW: one test set, six training sets, one person an image.

    Attributes:
        train_people, test_people: numbers of images.
        train_identities, test_identities: numbers of bodies in their clothes that they show.
        one_hall: all images show one capture hall, which makes do with little training. Otherwise Human3.6M and
            MPI-INF-3DHP show a hall each, and the other sets everyday scenes.
    """

    train_people: int
    test_people: int
    train_identities: int
    test_identities: int
    one_hall: bool
    width: int
    height: int


@dataclass(frozen=True)
class GeneratedLip(GeneratedCoco):
    """Generated people in LIP's format: images of one person each, cut out of scenes of width x height pixels.

    In these are 1 to ``most_people``, at most 4; all but one count as background.
    """

    most_people: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, _LIP_CLASSES, "train_scenes", "val_scenes")
        require(self.most_people <= _MOST_PEOPLE, "most_people", f"{self.most_people} are more than {_MOST_PEOPLE}")


@dataclass(frozen=True)
class GeneratedMpii(_Facing):
    """Generated people in MPII's format; scenes of width x height pixels."""

    train_scenes: int
    valid_scenes: int
    width: int
    height: int


@dataclass(frozen=True)
class GeneratedNtu(_Recipe):
    """Generated people in NTU RGB+D's format: recordings by three cameras, each with a colour and a depth sensor.

    ``performers`` make ``takes`` each, which every camera records. Colour frames have width x height pixels, depth
    frames depth_width x depth_height.
    """

    performers: int
    takes: int
    frames: int
    width: int
    height: int
    depth_width: int
    depth_height: int


@dataclass(frozen=True)
class Generated:
    """What a profile without real data generates."""

    coco: GeneratedCoco
    mpii: GeneratedMpii
    h36m: GeneratedH36M
    pw3d: GeneratedPw3d
    lip: GeneratedLip
    imagenet: GeneratedImagenet
    ntu: GeneratedNtu
