"""Two predictions that don't look at the frame, of which the better is the reference; and what resizing costs.

No torch.
"""

from pathlib import Path
from typing import Any

import numpy as np

from downstream.h36m.parsing.labels import LABELS
from downstream.h36m.parsing.reader import read_parsing
from downstream.h36m.parsing.recipe import H36MParsing
from downstream.h36m.parsing.whole_frame import stretched_labels
from downstream.label_maps.scores import confusion, score
from downstream.label_maps.trivial import trivial_scores
from liftedcl.files.image_files import process_images


def reference_scores(recipe: H36MParsing, data: Path) -> dict[str, Any]:
    """Scores of background everywhere, or of the commonest class of each place, whichever has the higher mIoU."""
    train, test = (read_parsing(data, split, stride)
                   for split, stride in (("train", recipe.train_stride), ("test", recipe.test_stride)))  # fmt: skip
    return trivial_scores((train.label, len(train)), (test.label, len(test)), LABELS)


def bound_scores(recipe: H36MParsing, data: Path) -> dict[str, Any]:
    """Scores of the true labels at the size of the network's input, brought back to that of the frame.

    The network's output has a quarter of the cells a side, but interpolated logits draw borders between them.
    """
    test, size = read_parsing(data, "test", recipe.test_stride), recipe.input_size

    def compare(i: int) -> np.ndarray:
        truth = test.label(i)
        back = stretched_labels(stretched_labels(truth, size, size), truth.shape[1], truth.shape[0])
        return confusion(truth, back, LABELS.count)

    counts = sum(process_images(compare, range(len(test)), workers=None, title="h36m_parsing: bound"))
    return {**score(counts, LABELS.names), "samples": len(test)}
