"""Which images a row may be trained on."""

import itertools

PEOPLE_SETS = ("coco", "h36m", "people", "mpii", "ntu")
"""The sources of person crops; ``people`` are the user's own images."""

PAIRED_SETS = ("h36m", "people")
"""The sources that may have lists of pairs: in the others each person is in one image."""

IMAGE_SETS = (
    "imagenet",
    *(
        "+".join(sets)
        for count in range(1, len(PEOPLE_SETS) + 1)
        for sets in itertools.combinations(PEOPLE_SETS, count)
    ),
)
"""Valid values of a row's ``images``: packed stage I images, or packed person crops of one or several sources."""
