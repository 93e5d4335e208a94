"""The description of ImageNet."""

from liftedcl.data_sets.description import DataSet
from liftedcl.data_sets.imagenet.files import GENERATED
from liftedcl.files.image_listing import ANY_IMAGE

DATA_SET = DataSet(
    name="imagenet",
    title="ImageNet (ILSVRC 2012)",
    source="https://image-net.org/download.php (registration)",
    licence="https://image-net.org/accessagreement",
    size="150 GB",
    used_for="`setsim_in`, and stage I in profiles that train it themselves",
    pictures=(f"train/*/{ANY_IMAGE}",),
    generated=GENERATED,
    counts={"pictures": {"train": 1_281_167}},
)
