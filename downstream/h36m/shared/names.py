"""The action in Human3.6M's file names.

An image is ``s_SS_act_AA_subact_UU_ca_CC/s_SS_act_AA_subact_UU_ca_CC_FFFFFF.jpg``.
"""

import re
from pathlib import Path

from liftedcl.data_sets.h36m.files import REMEDY
from liftedcl.identity.errors import InputError

ACTIONS = {
    2: "Directions", 3: "Discussion", 4: "Eating", 5: "Greeting", 6: "Phoning", 7: "Posing", 8: "Purchases",
    9: "Sitting", 10: "SittingDown", 11: "Smoking", 12: "Photo", 13: "Waiting", 14: "Walking", 15: "WalkDog",
    16: "WalkTogether",
}  # fmt: skip


def action_of(name: str, path: Path, i: int) -> int:
    """The action, 2 to 16, of the image ``name`` in entry ``i`` of the annotation file ``path``.

    Raises:
        InputError: the name holds none.
    """
    found = re.search(r"act_(\d\d)", name)
    if found is None or int(found[1]) not in ACTIONS:
        raise InputError(f"{path}: sample {i}: {name} has no action act_02 to act_16 in its name; {REMEDY}")
    return int(found[1])
