"""What the toy data set is, and what is needed of it."""

from liftedcl.data_sets.description import DataSet, Needs

DATA_SET = DataSet(
    name="grey",
    title="grey squares",
    source="made by a test",
    licence="none needed",
    size="some kB",
    used_for="the toy benchmark",
    pictures=("images/*.png",),
    needs={"brightness": Needs(files=("labels.json",))},
)
