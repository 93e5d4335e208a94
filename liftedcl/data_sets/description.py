"""The description of a data set: its origin and the files that each use needs. Checks, rules and docs follow it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What one use of a data set needs, relative to its folder.

    Attributes:
        files: files that are read before any image.
        optional: files that may be missing, but change the result if they exist.
        pictures: as `DataSet.pictures`, for this use.
    """

    files: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A data set; its page is docs/data/NAME.md.

    Attributes:
        name: its key in section ``data`` of params.yaml, which gives its folder.
        source: where to get it.
        licence: the page that states the terms.
        size: on disk.
        pictures: patterns of images; each has to match a file for any use. ``or`` separates alternatives, and
            `liftedcl.files.image_listing.ANY_IMAGE` ends a pattern of folders that hold an image at any depth.
        needs: by use, which is a benchmark's name or ``pretraining``.
        generated: files that synthetic/ writes last, and which complete generated data; empty if it isn't generated.
        counts: what is counted -> split -> the number in the official release, or its fewest and most.
    """

    name: str
    title: str
    source: str
    licence: str
    size: str
    used_for: str
    pictures: tuple[str, ...] = ()
    needs: dict[str, Needs] = field(default_factory=dict)
    generated: tuple[str, ...] = ()
    counts: dict[str, dict[str, int | tuple[int, int]]] = field(default_factory=dict)

    @property
    def pretraining(self) -> Needs:
        """What the making of images to pre-train on needs."""
        return self.needs.get("pretraining", Needs())
