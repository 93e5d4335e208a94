"""What a benchmark consists of: its registry entry, and what its modules hold. No torch here: Snakemake reads this."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from downstream.training.training_recipe import FineTuning
from liftedcl.data_sets.description import DataSet, Needs
from liftedcl.data_sets.mpii.files import ANNOTATIONS as MPII_PEOPLE
from liftedcl.files.atomic import sha256_of_file
from liftedcl.identity.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from downstream.reading.region_writer import RegionPlan
    from downstream.training.regions_recipe import RegionCut
    from liftedcl.engine.loop import Task
    from liftedcl.networks.encoder import Backbone


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Where a benchmark's parts are. Modules are named, not imported, so that each job loads only its own.

    Attributes:
        name: of the benchmark, and of its section in params.yaml.
        package: holds the modules ``task``, ``scores``, ``drawings`` and ``reference``, and may hold ``regions``; see
            the protocols below.
        task: the class in the module ``task`` that trains and predicts; see `Benchmark`.
        recipe: the dataclass of its numbers.
        data: the data set that it reads.
        needs: what a run needs of it, besides the pictures that every use needs; by default what its description says.
        predictions: files and folders below a run's folder that a training writes; others can score the first.
    """

    name: str
    package: str
    task: str
    recipe: type[FineTuning]
    data: DataSet
    predictions: tuple[str, ...]
    needs: Needs | None = None

    def __post_init__(self) -> None:
        if self.needs is None:
            object.__setattr__(self, "needs", self.data.needs[self.name])

    def module(self, part: str) -> str:
        """The dotted name of one of the benchmark's modules."""
        return f"{self.package}.{part}"

    def load(self, part: str) -> Any:
        """One of the benchmark's modules, imported."""
        return importlib.import_module(self.module(part))

    def fingerprints(self, recipe: Any, data: Path) -> dict[str, str]:
        """SHA-256 of the files that decide a run beside its images, under names that don't depend on where ``data`` is.

        ``recipe`` says whose people are mixed in; None leaves them out, as for a score, which doesn't read them.

        Raises:
            InputError: a file that is missing.
        """
        there = [*self.needs.files, *(name for name in self.needs.optional if (data / name).exists())]
        paths = {f"{self.data.name}/{name}": data / name for name in there}
        if mixed_in := getattr(recipe, "mpii", None):
            paths[f"mpii/{MPII_PEOPLE['train']}"] = Path(mixed_in) / MPII_PEOPLE["train"]
        for name, path in paths.items():
            if not path.exists():
                page = f"docs/data/{Path(name).parts[0]}.md"
                raise InputError(f"{path}: not found; {page} says where it comes from")
        return {name: sha256_of_file(path) for name, path in paths.items()}


if TYPE_CHECKING:

    class Benchmark(Task, Protocol):
        """The class that ``Entry.task`` names: what the training loop trains, and what predicts the test set."""

        def __init__(
            self, recipe: Any, backbone: Backbone, *, data: Path, seed: int, workers: int, packed: Path | None = None
        ) -> None:
            """Read and check the data, and put a head on the backbone under test.

            Args:
                recipe: the benchmark's.
                backbone: is trained on, unless it comes frozen.
                data: folder of the data set.
                seed: decides order and augmentation of the samples.
                workers: processes that load data; 0 loads, and keeps decoded pictures, in this one.
                packed: folder of the packed regions of the training samples; only given where ``recipe.regions`` is.

            Raises:
                InputError: data that is missing or damaged, or less than one batch of it; a backbone that doesn't fit.
            """

        def write_predictions(self, out: Path) -> None:
            """Predict the test set and write all that scores and drawings need into the run's folder ``out``."""

    class PackedRegions(Protocol):
        """The module ``regions`` of a benchmark whose recipe can have ``regions``."""

        def training_plan(self, cut: RegionCut, data: Path) -> RegionPlan:
            """What is cut of the training samples. Raises `InputError` for annotations that are missing or damaged."""

    class Scores(Protocol):
        """The module ``scores``. No torch."""

        def score_run(self, recipe: Any, data: Path, run: Path) -> dict[str, Any]:
            """What metrics.json holds, of the predictions in the folder ``run``.

            Raises:
                InputError: predictions or annotations that are missing or damaged, or don't belong together.
            """

    class Drawings(Protocol):
        """The module ``drawings``; pictures are uint8 RGB, (N, H, W, 3)."""

        def examples(self, recipe: Any, data: Path, run: Path) -> np.ndarray:
            """Up to 12 test pictures, spread evenly, with the predictions in the folder ``run`` drawn on them."""

        def augmented_samples(self, recipe: Any, *, data: Path, seed: int, count: int) -> np.ndarray:
            """Up to ``count`` augmented training samples with their targets drawn on them."""

    class Reference(Protocol):
        """The module ``reference``. No torch."""

        def reference_scores(self, recipe: Any, data: Path) -> dict[str, Any]:
            """The scores of a predictor that doesn't look at the picture; the keys of metrics.json."""

        def bound_scores(self, recipe: Any, data: Path) -> dict[str, Any]:
            """The scores of the test set's true labels, encoded and decoded as a network's output is; the same keys."""
