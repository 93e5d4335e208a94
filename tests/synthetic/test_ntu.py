"""Generated NTU RGB+D: read by the reader of the real one; depth, colour and joints belong together."""

import cv2
import numpy as np
import pytest

from downstream.ntu.__main__ import check
from liftedcl.data_sets.ntu.files import depth_path, read_tags, skeleton_path, video_path
from liftedcl.data_sets.ntu.skeleton_file import JOINTS, read_skeletons
from liftedcl.images.ntu_people import alignments, read_depth, read_recordings
from synthetic import ntu
from synthetic.recipes import GeneratedNtu

RECIPE = GeneratedNtu(
    seed=1, performers=2, takes=1, frames=2, width=128, height=72, depth_width=96, depth_height=80
)  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """What `generate` writes, rendered in this process."""
    root, plan = tmp_path_factory.mktemp("ntu"), ntu.plan(RECIPE)
    labels = [plan.render(root, RECIPE, chunk) | {"pictures": ""} for chunk in plan.chunks]
    plan.finish(root, RECIPE, labels)
    assert {path.name for path in root.iterdir()} == set(plan.contents)
    assert all((root / name).is_file() for chunk in labels for name in chunk["files"])
    return root


def test_every_camera_records_every_take(root):
    tags = read_tags(root)
    assert len(tags) == 2 * 3 and {tag.camera for tag in tags} == {1, 2, 3} and len({tag.setup for tag in tags}) == 2
    video = cv2.VideoCapture(str(video_path(root, tags[0])))
    assert (video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_COUNT)) == (128, 2)
    assert {finding.state for finding in check(root)} == {"ok", "differs"}


def test_depth_is_the_performers_alone_and_just_before_the_joints(root):
    behind = []
    for tag in read_tags(root):
        for frame, (body,) in enumerate(read_skeletons(skeleton_path(root, tag))):
            depth = read_depth(depth_path(root, tag, frame)) / 1000.0
            assert depth.shape == (80, 96) and 0.005 < (depth > 0).mean() < 0.4
            spine = JOINTS.index("spine_mid")
            x, y = np.round(body.depth_px[spine]).astype(int)
            near = depth[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
            behind += [body.places[spine, 2] - near[near > 0].mean()] if (near > 0).any() else []
    assert len(behind) > 6 and -0.05 < np.mean(behind) < 0.3


def test_a_homography_lays_colour_over_depth_to_a_pixel(root):
    for one in alignments(root, read_recordings(root, 1)).values():
        assert one.share > 0.7 and one.median_px < 0.5
