"""The JSON annotations of Human3.6M (Li et al. 2021, after Moon et al. 2019): two lists, paired by position."""

from pathlib import Path
from typing import Any

from liftedcl.data_sets.h36m.files import REMEDY
from liftedcl.files.atomic import read_json
from liftedcl.identity.errors import InputError


def read_paired(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The lists ``images`` and ``annotations`` of a file, equally long and paired by the images' ids.

    Raises:
        InputError: the file, or a sample that the message names, is damaged.
    """
    content = read_json(path, REMEDY)
    lists = [content.get(key) if isinstance(content, dict) else None for key in ("images", "annotations")]
    if not all(isinstance(value, list) for value in lists):
        raise InputError(f"{path}: has no lists `images` and `annotations`; {REMEDY}")
    images, annotations = lists
    if len(images) != len(annotations):
        raise InputError(f"{path}: {len(images)} images for {len(annotations)} annotations; {REMEDY}")
    for i, (image, annotation) in enumerate(zip(images, annotations, strict=True)):
        if not isinstance(image, dict) or not isinstance(annotation, dict):
            raise InputError(f"{path}: sample {i}: is not an object; {REMEDY}")
        if image.get("id") is None or image.get("id") != annotation.get("image_id"):
            found, expected = annotation.get("image_id"), image.get("id")
            raise InputError(f"{path}: sample {i}: annotation of image {found} beside image {expected}; {REMEDY}")
    return images, annotations
