"""The description of the published encoders; liftedcl/recipes/weight_sources.py has the file of each."""

from liftedcl.data_sets.description import DataSet

DATA_SET = DataSet(
    name="weights",
    title="published encoders",
    source="torchvision's ResNet50_Weights.IMAGENET1K_V1; the others from their authors' pages"
    " (docs/data/weights.md has the addresses)",
    licence="each its own: BSD-3-Clause, CC BY-NC 4.0 (MoCo-v2), GPLv3 (DenseCL), MIT (PixPro), ...",
    size="0.1 to 0.7 GB each",
    used_for="the rows with `source`",
)
