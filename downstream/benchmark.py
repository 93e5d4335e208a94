"""What a benchmark consists of: its registry entry, and what its modules hold. No torch here: Snakemake reads this."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from downstream.mpii.files import ANNOTATIONS as MPII_PEOPLE
from downstream.training.training_recipe import FineTuning
from liftedcl.data_sets.description import DataSet, Needs

if TYPE_CHECKING:
    import numpy as np

    from liftedcl.engine.loop import Task
    from liftedcl.networks.encoder import Backbone


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Where a benchmark's parts are. Modules are named, not imported, so that each job loads its own alone.

    Attributes:
        name: of the benchmark, and of its section in params.yaml.
        recipe: the dataclass of its numbers.
        task: the class that trains and predicts, as ``module:class``; see `Benchmark`.
        scores: the module that scores a run's predictions; see `Scores`. No torch.
        drawings: the module that draws predictions and training samples; see `Drawings`.
        reference: the module that scores the trivial predictor; see `Reference`. No torch.
        data: the data set that it reads.
        needs: what a run needs of it, besides the pictures that every use needs.
        predictions: files and folders below a run's folder that a training writes; others can score the first.
    """

    name: str
    recipe: type[FineTuning]
    task: str
    scores: str
    drawings: str
    reference: str
    data: DataSet
    needs: Needs
    predictions: tuple[str, ...]

    def inputs(self, recipe: Any, data: Path) -> dict[str, Path]:
        """The files that decide a run beside its pictures, under names that don't depend on where ``data`` is."""
        there = [*self.needs.files, *(name for name in self.needs.optional if (data / name).exists())]
        paths = {f"{self.data.name}/{name}": data / name for name in there}
        mixed_in = getattr(recipe, "mpii", None)
        return paths | ({f"mpii/{MPII_PEOPLE['train']}": Path(mixed_in) / MPII_PEOPLE["train"]} if mixed_in else {})


if TYPE_CHECKING:

    class Benchmark(Task, Protocol):
        """The class that ``Entry.task`` names: a task of the training loop that also predicts its test set."""

        def __init__(self, recipe: Any, backbone: Backbone, *, data: Path, seed: int, workers: int) -> None:
            """Read and check the data, and put a head on the backbone under test.

            Args:
                recipe: the benchmark's.
                backbone: is trained on, unless it comes frozen.
                data: folder of the data set.
                seed: decides order and augmentation of the samples.
                workers: processes that load data; 0 loads, and keeps decoded pictures, in this one.

            Raises:
                InputError: data that is missing or damaged, or less than one batch of it; a backbone that doesn't fit.
            """

        def write_predictions(self, out: Path) -> None:
            """Predict the test set and write all that scores and drawings need into the run's folder ``out``."""

    class Scores(Protocol):
        """The module that ``Entry.scores`` names."""

        def score_run(self, recipe: Any, data: Path, run: Path) -> dict[str, Any]:
            """What metrics.json holds, of the predictions in the folder ``run``.

            Raises:
                InputError: predictions or annotations that are missing or damaged, or don't belong together.
            """

    class Drawings(Protocol):
        """The module that ``Entry.drawings`` names; pictures are uint8 RGB, (N, H, W, 3)."""

        def examples(self, recipe: Any, data: Path, run: Path) -> np.ndarray:
            """Up to 12 test pictures, spread evenly, with the predictions in the folder ``run`` drawn on them."""

        def augmented_samples(self, recipe: Any, *, data: Path, seed: int, count: int) -> np.ndarray:
            """Up to ``count`` augmented training samples with their targets drawn on them."""

    class Reference(Protocol):
        """The module that ``Entry.reference`` names."""

        def reference_scores(self, recipe: Any, data: Path) -> dict[str, Any]:
            """The scores of a predictor that doesn't look at the picture; the keys of metrics.json."""
