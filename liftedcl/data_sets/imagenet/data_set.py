"""The description of ImageNet."""

from liftedcl.data_sets.description import DataSet
from liftedcl.data_sets.imagenet.files import GENERATED

DATA_SET = DataSet(
    name="imagenet",
    title="ImageNet (ILSVRC 2012)",
    source="https://image-net.org/download.php (registration)",
    licence="https://image-net.org/accessagreement",
    size="150 GB",
    used_for="`setsim_in`, and stage I in profiles that train it themselves",
    pictures=("train/*/*.JPEG or train/*/*.jpg",),
    generated=GENERATED,
    counts={"pictures": {"train": 1_281_167}},
)
