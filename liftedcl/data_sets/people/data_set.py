"""The description of the user's own images of people."""

from liftedcl.data_sets.description import DataSet
from liftedcl.files.image_listing import ANY_IMAGE

DATA_SET = DataSet(
    name="people",
    title="pictures of people, .jpg, .jpeg or .png, subfolders included; boxes.json tells where they are",
    source="you; without boxes.json each picture is one person (docs/data/people.md)",
    licence="that of your pictures",
    size="any size",
    used_for="rows with `images: people`",
    pictures=(f"{ANY_IMAGE} or boxes.json",),
)
