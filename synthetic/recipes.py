"""What a profile without real data generates: one recipe a data set."""

from dataclasses import dataclass

from liftedcl.identity.strict import require_at_least

_SMALLEST_SCENE = 48  # pixels: below it nobody covers enough of a picture to be labelled
_SMALLEST_PICTURE = 32  # pixels: below it a person may cover no pixel
_LIP_CLASSES = 20  # every class has a picture that is drawn for its sake


@dataclass(frozen=True)
class GeneratedCoco:
    """Generated people in COCO's format."""

    seed: int
    train_scenes: int
    val_scenes: int
    width: int
    height: int

    def __post_init__(self) -> None:
        require_at_least(self, 0, "seed")
        require_at_least(self, 1, "train_scenes", "val_scenes")
        require_at_least(self, _SMALLEST_SCENE, "width", "height")


@dataclass(frozen=True)
class GeneratedH36M:
    """Generated people in Human3.6M's format: 7 subjects, 15 actions, 2 takes, 4 cameras."""

    seed: int
    frames_per_take: int
    image_size: int

    def __post_init__(self) -> None:
        require_at_least(self, 0, "seed")
        require_at_least(self, 1, "frames_per_take")
        require_at_least(self, _SMALLEST_PICTURE, "image_size")


@dataclass(frozen=True)
class GeneratedImagenet:
    """Generated pictures without people, as an ImageFolder with classes, standing for ImageNet."""

    seed: int
    classes: int
    images_per_class: int
    image_size: int

    def __post_init__(self) -> None:
        require_at_least(self, 0, "seed")
        require_at_least(self, 1, "classes", "images_per_class")
        require_at_least(self, _SMALLEST_PICTURE, "image_size")


@dataclass(frozen=True)
class GeneratedPw3d:
    """Generated people in SPIN's format for 3DPW: one test set, six training sets, one person a picture.

    Attributes:
        train_people, test_people: pictures.
        train_identities, test_identities: bodies in their clothes that they show.
        one_hall: all of them stand in one capture hall, which little training suffices for. Otherwise only those of
            Human3.6M and MPI-INF-3DHP do, in a hall each, and the others in everyday scenes.
    """

    seed: int
    train_people: int
    test_people: int
    train_identities: int
    test_identities: int
    one_hall: bool
    width: int
    height: int

    def __post_init__(self) -> None:
        require_at_least(self, 0, "seed")
        require_at_least(self, 20, "train_people")  # so that each of the six sets holds somebody
        require_at_least(self, 1, "test_people", "train_identities", "test_identities")
        require_at_least(self, _SMALLEST_SCENE, "width", "height")


@dataclass(frozen=True)
class GeneratedLip:
    """Generated people in LIP's format: pictures of one person each, cut out of scenes of width x height pixels."""

    seed: int
    train_scenes: int
    val_scenes: int
    width: int
    height: int

    def __post_init__(self) -> None:
        require_at_least(self, 0, "seed")
        require_at_least(self, _LIP_CLASSES, "train_scenes", "val_scenes")
        require_at_least(self, _SMALLEST_SCENE, "width", "height")


@dataclass(frozen=True)
class GeneratedMpii:
    """Generated people in MPII's format."""

    seed: int
    train_scenes: int
    valid_scenes: int
    width: int
    height: int

    def __post_init__(self) -> None:
        require_at_least(self, 0, "seed")
        require_at_least(self, 1, "train_scenes", "valid_scenes")
        require_at_least(self, _SMALLEST_SCENE, "width", "height")


@dataclass(frozen=True)
class Generated:
    """What a profile without real data generates."""

    coco: GeneratedCoco
    mpii: GeneratedMpii
    h36m: GeneratedH36M
    pw3d: GeneratedPw3d
    lip: GeneratedLip
    imagenet: GeneratedImagenet
