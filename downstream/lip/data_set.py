"""What LIP is, and which of its files are needed."""

from downstream.lip.files import GENERATED, LABELS, LISTS, PICTURES, SPLITS
from liftedcl.data_sets.description import DataSet, Needs

DATA_SET = DataSet(
    name="lip",
    title="LIP, single-person human parsing",
    source="https://sysu-hcp.net/lip (registration)",
    licence="https://sysu-hcp.net/lip (non-commercial research)",
    size="4 GB",
    used_for="table 6",
    pictures=tuple(name for split in SPLITS for name in (f"{PICTURES[split]}/*.jpg", f"{LABELS[split]}/*.png")),
    needs={"lip": Needs(files=tuple(LISTS.values()))},
    generated=GENERATED,
    counts={"samples": {"train": 30_462, "val": 10_000}},
)
