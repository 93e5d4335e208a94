"""Random images that cost a codec as much as photographs do, with people as in COCO."""

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from liftedcl.files.atomic import write_json
from liftedcl.images.shard import Shard, ShardWriter, open_shard

PEOPLE_PER_IMAGE = 2.65
"""150K crops from 56.6K images of COCO train2017 (people with a keypoint, no crowds)."""


def pictures(rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
    """(count, height, width, 3) uint8: noise whose strength falls with its frequency, as in photographs."""
    made = np.empty((count, height, width, 3), np.uint8)
    for picture in made:
        total = np.full((height, width, 3), 127.5, np.float32)
        side, strength = max(height, width), 4.0
        while side >= 2:
            shape = (max(height * side // max(height, width), 1), max(width * side // max(height, width), 1), 3)
            noise = rng.standard_normal(shape, dtype=np.float32) * strength
            total += cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
            side, strength = side // 2, strength * 1.35
        picture[:] = np.clip(total, 0, 255)
    return made


def jpeg(picture: np.ndarray) -> bytes:
    """A JPEG of quality 93 without colour subsampling: 160 KB for 640x480, like COCO's files."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, format="JPEG", quality=93, subsampling=0)
    return content.getvalue()


def write_shard(path: Path, images: np.ndarray) -> Shard:
    """Pack images (N, H, W, 3) uint8 and open the shard."""
    with ShardWriter(path, *images.shape[1:3], ("row",)) as writer:
        for row, image in enumerate(images):
            writer.append(image, (row,))
    return open_shard(path)


def write_coco(root: Path, rng: np.random.Generator, images: int) -> None:
    """Write the split train in COCO's layout: images of 640x480 with boxes of people as large as COCO's."""
    folder = root / "train2017"
    folder.mkdir(parents=True)
    annotations = []
    people = np.minimum(rng.geometric(1.0 / PEOPLE_PER_IMAGE, images), 12)
    for image_id, count in enumerate(people):
        (folder / f"{image_id}.jpg").write_bytes(jpeg(pictures(rng, 1, 480, 640)[0]))
        heights = np.clip(rng.lognormal(np.log(160.0), 0.75, count), 24.0, 478.0)
        widths = np.clip(heights * rng.uniform(0.3, 1.0, count), 12.0, 638.0)
        for height, width in zip(heights, widths, strict=True):
            box = [rng.uniform(0, 640 - width), rng.uniform(0, 480 - height), width, height]
            annotations.append(
                {"id": len(annotations), "image_id": image_id, "category_id": 1, "iscrowd": 0, "num_keypoints": 9}
                | {"bbox": [round(float(value), 2) for value in box]}
            )
    content = {
        "images": [{"id": i, "file_name": f"{i}.jpg", "width": 640, "height": 480} for i in range(images)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}],
    }
    write_json(root / "annotations" / "person_keypoints_train2017.json", content)
