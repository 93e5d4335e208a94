"""What a data set is, where it comes from and what is needed of it when: data only. Checks, rules and docs derive."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What one use of a data set needs, relative to its folder.

    Attributes:
        files: are read before any picture.
        optional: the like, which change a result where they are there.
        pictures: patterns of which something has to be there, besides those of every use; see `DataSet.pictures`.
    """

    files: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A data set; its page is docs/data/NAME.md.

    Attributes:
        name: its key in section ``data`` of params.yaml, which gives its folder.
        title: what it is.
        source: where it comes from.
        licence: the page that states the terms.
        size: on disk.
        used_for: what is made of it.
        pictures: patterns of which something has to be there for any use; ``or`` separates alternatives.
        needs: what each use needs: a benchmark, by its name, or ``pretraining``, the making of its images.
        generated: files that synthetic/ writes last, so that where they are the data are whole; none: isn't generated.
        counts: what is counted -> split -> how many the official release has, or fewest and most.
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
        """What images to pre-train on are made from."""
        return self.needs.get("pretraining", Needs())
