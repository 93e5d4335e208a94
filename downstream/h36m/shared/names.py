"""Cameras and actions in Human3.6M's file names.

An image is ``s_SS_act_AA_subact_UU_ca_CC/s_SS_act_AA_subact_UU_ca_CC_FFFFFF.jpg``.
"""

import re

CAMERAS = ("54138969", "55011271", "58860488", "60457274")
"""In the order of the image names' ca_01 to ca_04; the distribution's own files are called after them."""
ACTIONS = {
    2: "Directions", 3: "Discussion", 4: "Eating", 5: "Greeting", 6: "Phoning", 7: "Posing", 8: "Purchases",
    9: "Sitting", 10: "SittingDown", 11: "Smoking", 12: "Photo", 13: "Waiting", 14: "Walking", 15: "WalkDog",
    16: "WalkTogether",
}  # fmt: skip


def action_of(name: str) -> int:
    """The action, 2 to 16, of the image ``name``; 0 where its name holds none."""
    found = re.search(r"act_(\d\d)", name)
    return int(found[1]) if found is not None and int(found[1]) in ACTIONS else 0
