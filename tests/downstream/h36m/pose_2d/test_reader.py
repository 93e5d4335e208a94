"""Human3.6M 2D: reader, and targets of augmented samples."""

import os
import pickle
import shutil

import cv2
import numpy as np
import pytest
from tiny.h36m import DOTTED, RECIPE_2D, change_frames

from downstream.h36m.pose_2d.benchmark import BENCHMARK
from downstream.h36m.pose_2d.drawings import augmented_samples
from downstream.h36m.pose_2d.reader import annotation_path, read_h36m_2d, read_joints
from downstream.heatmap_pose.keypoint_data import KeypointBatches
from downstream.samples.plain_crops import PlainCrops
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import flip_order

SIZE = (RECIPE_2D.input_width, RECIPE_2D.input_height)


# ------------------------------------------------------------------------------------------- reader
def test_reader_gives_pixels_regions_and_root_relative_poses(root):
    joints = read_h36m_2d(root, "test", 1)
    entries = pickle.loads(annotation_path(root, "test").read_bytes())
    assert joints.joints.shape == (6, 17, 2) and joints.visible.all() and not joints.poses[:, 0].any()
    np.testing.assert_allclose(joints.joints, [entry["joints_2d"] for entry in entries])
    people = joints.labelled(SIZE, 1.25).people
    boxes = np.array([entry["box"] for entry in entries])
    np.testing.assert_allclose(people.centres, (boxes[:, :2] + boxes[:, 2:]) / 2)
    np.testing.assert_allclose(people.widths, 1.25 * (boxes[:, 2:] - boxes[:, :2]).max(axis=1))


def test_stride_counts_video_frames_of_each_take_and_camera(copy):
    """A file with every 5th frame, read with 10, gives every 10th, from all cameras, wherever a take begins."""

    def spread(entries):
        entry = entries[0]
        entries[:] = [
            {**entry, "action": action, "camera_id": camera, "image_id": 1 + action + 5 * n}
            for n in range(8)
            for action in (2, 3)
            for camera in range(4)
        ]

    path = annotation_path(copy, "test")
    change_frames(path, spread)
    assert [len(read_joints(path, stride)) for stride in (1, 5, 10, 20, 64)] == [64, 64, 32, 16, 8]


EDITS = {
    "empty": (lambda entries: entries.clear(), "holds no sample"),
    "no dict": (lambda entries: entries.__setitem__(2, "frame"), "sample 2: subject"),
    "no camera": (lambda entries: entries[1].pop("camera"), "sample 1: camera"),
    "lens of two numbers": (lambda entries: entries[1]["camera"].update(k=np.zeros(2)), "sample 1: camera: k"),
    "NaN": (lambda entries: entries[3]["joints_2d"].__setitem__((2, 1), np.nan), "sample 3: joints_2d .*NaN"),
    "16 joints": (lambda entries: entries[2].update(joints_2d=np.zeros((16, 2))), "sample 2: joints_2d .*shape"),
    "odd flags": (lambda entries: entries[2].update(joints_vis=np.ones(16)), "sample 2: joints_vis"),
    "other pixels": (lambda entries: entries[4]["joints_2d"].__iadd__(5), "sample 4: .*project to joints_2d"),
    "metres": (lambda entries: entries[4]["joints_3d_camera"].__imul__(-0.001), "sample 4: a joint is behind"),
    "camera coordinates in metres": (
        lambda entries: [entry["joints_3d_camera"].__imul__(0.001) for entry in entries],
        "sample 0: the bones of joints_3d_camera .* seems to be in m, .* so it is with 5 more",
    ),
    "all joints in one point": (
        lambda entries: entries[3].update(
            {key: entries[3][key][:1].repeat(17, axis=0) for key in ("joints_2d", "joints_3d_camera")}
        ),
        "sample 3: the bones of joints_3d_camera are on average 0 mm",
    ),
    "text in place of numbers": (lambda entries: entries[4].update(center="12"), "sample 4: center is missing or no"),
    "truth in place of numbers": (lambda entries: entries[4].update(scale=[True, True]), "sample 4: scale is missing"),
    "no scale": (lambda entries: entries[5].update(scale=(0, 0)), "sample 5: scale"),
    "one scale": (lambda entries: entries[5].update(scale=0.3), "sample 5: scale has shape"),
    "another box": (lambda entries: entries[5]["center"].__iadd__(60), "sample 5: .*box of center and scale"),
    "no picture": (lambda entries: entries[2].update(image="s_09_act_02_x/none.jpg"), "none.jpg: not found"),
    "outside the folder": (lambda entries: entries[2].update(image="../act_02.jpg"), "not a path below"),
    "a training subject": (lambda entries: entries[2].update(subject=5), "sample 2: its subject is not in the test"),
}


@pytest.mark.parametrize("name", EDITS)
def test_damage_is_named(copy, name):
    edit, message = EDITS[name]
    change_frames(annotation_path(copy, "test"), edit)
    with pytest.raises(InputError, match=message) as caught:
        read_h36m_2d(copy, "test", 1)
    assert "docs/data/h36m.md" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("factor", "size"), [(0.5, "half"), (2.0, "twice")])
def test_frames_of_another_size_than_the_cameras_are_named(root, copy, factor, size):
    """Whatever the frames are stored at, the files have no word about it; the principal point tells."""
    (copy / "images").unlink()
    for path in (root / "images").rglob("*.jpg"):
        image = cv2.resize(cv2.imread(str(path)), None, fx=factor, fy=factor)
        out = copy / "images" / path.relative_to(root / "images")
        out.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(out), image)
    with pytest.raises(InputError, match=f"sample 0: .* frames of {size} the size .* so it is with 5 more"):
        read_h36m_2d(copy, "test", 1)


def test_one_frame_of_another_size_is_named_when_it_is_read(root, copy):
    joints = read_h36m_2d(copy, "test", 1)
    assert (joints.sizes == 128).all()
    path = copy / "images" / joints.names[-1]
    content = path.resolve().read_bytes()
    (copy / "images").unlink()
    shutil.copytree(root / "images", copy / "images")
    path.write_bytes(content)
    path.with_name("other.jpg").write_bytes(cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes())
    path.unlink()
    path.with_name("other.jpg").rename(path)
    people = joints.labelled(SIZE, 1.0).people
    with pytest.raises(InputError, match="64x64 pixels, 128x128 annotated: the images were resized"):
        PlainCrops(people, SIZE, 1).crop(5)


class Foreign:
    def __reduce__(self):
        return os.mkdir, ("must_not_appear",)


def test_a_pickle_with_foreign_objects_is_refused_and_not_run(copy, monkeypatch):
    monkeypatch.chdir(copy)
    path = annotation_path(copy, "test")
    path.write_bytes(pickle.dumps([{"image": Foreign()}]))
    with pytest.raises(InputError, match=r"posix\.mkdir"):
        read_h36m_2d(copy, "test", 1)
    assert not (copy / "must_not_appear").exists()
    path.write_bytes(pickle.dumps({"image": 1}))
    with pytest.raises(InputError, match="not a list"):
        read_h36m_2d(copy, "test", 1)
    path.unlink()
    with pytest.raises(InputError, match="not found"):
        read_h36m_2d(copy, "test", 1)
    with pytest.raises(InputError, match="not found"):
        BENCHMARK.fingerprints(RECIPE_2D, copy)


# ------------------------------------------------------------------------------------------ geometry
def test_augmented_targets_stay_on_the_picture(root):
    """The white dot is at the right wrist's target or, in a mirrored crop, at the left wrist's."""
    train = read_h36m_2d(root, "train", 1).labelled(SIZE, RECIPE_2D.box_scale)
    batches = KeypointBatches(train, RECIPE_2D, flip_order(), seed=0, cached=True)
    seen, mirrored = 0, 0
    for epoch in range(5):
        batches.start(epoch)
        for step in range(len(batches)):
            batch = batches[step]
            for image, joints, flipped in zip(batch.images.numpy(), batch.joints.numpy(), batch.flipped, strict=True):
                bright = np.argwhere(image.min(axis=0) > 170)[:, ::-1]
                if len(bright) > 4 and np.abs(bright.mean(axis=0) - 31.5).max() < 22:
                    place = joints[flip_order()[DOTTED] if flipped else DOTTED]
                    assert np.abs(bright.mean(axis=0) - place).max() < 1
                    seen, mirrored = seen + 1, mirrored + int(flipped)
    assert seen > 25 and 0.25 < mirrored / seen < 0.75
    sheet = augmented_samples(RECIPE_2D, data=root, seed=0, count=5)
    assert sheet.shape[0] == 5 and sheet.dtype == np.uint8 and sheet.shape[1] == sheet.shape[2] >= 64
