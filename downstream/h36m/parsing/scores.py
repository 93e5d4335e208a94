"""Scores of Human3.6M parsing: mIoU over 25 classes, background included, of whole frames at the labels' size.

The published evaluation first interpolates the class numbers of the true labels to 1000x1000 px; here true labels stay
as they are (see whole_frame.py). No torch.
"""

from pathlib import Path
from typing import Any

from downstream.h36m.parsing.labels import LABELS
from downstream.h36m.parsing.reader import PREDICTION_REMEDY, REMEDY, ParsingSamples, read_parsing
from downstream.h36m.parsing.recipe import H36MParsing
from downstream.label_maps.predictions import PREDICTIONS
from downstream.label_maps.scores import score_maps
from liftedcl.data_sets.h36m.parsing_files import PARSING
from liftedcl.identity.errors import InputError


def score_run(recipe: H36MParsing, data: Path, run: Path) -> dict[str, Any]:
    """What metrics.json holds of the test split."""
    return score_samples(read_parsing(data, "test", recipe.test_stride), run / PREDICTIONS)


def score_list(path: Path, predictions: Path, stride: int) -> dict[str, Any]:
    """Scores of ``predictions`` for every ``stride``-th frame of the list ``path``, FOLDER/parsing/test.txt."""
    root = path.absolute().parents[1]
    if path.absolute() != root / PARSING["test"]:
        raise InputError(f"{path}: not a data set's {PARSING['test']}; {REMEDY}")
    return score_samples(read_parsing(root, "test", stride), predictions)


def score_samples(samples: ParsingSamples, predictions: Path) -> dict[str, Any]:
    """Scores of the label maps ``predictions``/NAME.png; one confusion matrix over all frames, a frame at a time.

    Raises:
        InputError: a file is missing, damaged, of another size or no map of classes.
    """
    pairs = [(samples.label_path(n), predictions / f"{name}.png") for n, name in enumerate(samples.names)]
    scores = score_maps(pairs, LABELS, truth_remedy=REMEDY, remedy=PREDICTION_REMEDY)
    return scores | {"samples": len(samples)}
