"""MPII: reader, 1-based files to 0-based pixels, crops, real samples, users' mistakes, the official release, check."""

import dataclasses
import json
import shutil
import sys

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import loadmat, savemat
from tiny.mpii import DOTTED, HEIGHT, RECIPE, WIDTH, write_tiny_mpii
from tiny.mpii_release import write_tiny_release

from downstream.heatmap_pose.keypoint_data import KeypointBatches
from downstream.mpii import __main__ as command
from downstream.mpii.benchmark import BENCHMARK
from downstream.mpii.drawings import augmented_samples, examples
from downstream.mpii.joints import BONES, JOINTS, MIRRORED, NUM_JOINTS, SIDES
from downstream.mpii.predictions import read_predictions
from downstream.mpii.reader import annotation_path, read_mpii, to_people
from downstream.mpii.recipe import Mpii
from downstream.mpii.scores import score_run
from downstream.mpii.task import MpiiPose
from downstream.mpii.truth import check_same_people, read_truth, truth_path
from downstream.mpii.truth_variables import truth_variables
from downstream.samples.crop import apply_affine
from downstream.samples.plain_crops import PlainCrops
from liftedcl.files.image_files import read_image
from liftedcl.files.mat_file import write_mat
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.strict import ValueRuleError
from liftedcl.networks.encoder import build_backbone


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_mpii(tmp_path_factory.mktemp("mpii"))


@pytest.fixture
def copy(root, tmp_path):
    """A copy whose annotations may be spoilt; the pictures are shared."""
    (tmp_path / "images").symlink_to(root / "images")
    shutil.copytree(root / "annot", tmp_path / "annot")
    return tmp_path


def dot_near(image: np.ndarray, place: np.ndarray, radius: float) -> np.ndarray | None:
    """Centre (x, y) of the bright pixels within ``radius`` of a place; None where the dot would be cut."""
    height, width = image.shape[:2]
    if not ((place > radius / 2) & (place < (width - 1 - radius / 2, height - 1 - radius / 2))).all():
        return None
    weights = np.clip(image.min(axis=2).astype(float) - 70, 0, None)
    rows, columns = np.indices((height, width))
    weights[np.hypot(columns - place[0], rows - place[1]) > radius] = 0
    return (
        None if weights.sum() < 200 else np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()
    )


# ------------------------------------------------------------------------------------------------ pixels
@pytest.mark.parametrize("split", ["train", "valid"])
def test_joints_are_where_their_pixels_are(root, split):
    """A dot painted at a 0-based place is found there: off by one would show as a bias of a pixel."""
    people = read_mpii(root, split)
    offsets = []
    for name, joints in zip(people.names, people.joints, strict=True):
        dot = dot_near(read_image(root / "images" / name), joints[DOTTED], 6)
        offsets += [] if dot is None else [dot - joints[DOTTED]]
    assert len(offsets) >= len(people) - 1
    assert np.abs(np.mean(offsets, axis=0)).max() < 0.15 and np.abs(offsets).max() < 0.5


def test_the_crop_shows_the_dot_where_the_joint_goes(root):
    people = to_people(read_mpii(root, "valid"), RECIPE.box_scale)
    crops = PlainCrops(people.people, (64, 64), 4)
    placed, offsets = apply_affine(crops.matrices, people.joints)[:, DOTTED], []
    for n in range(6):
        inside = ((people.joints[n, DOTTED] > 3) & (people.joints[n, DOTTED] < (WIDTH - 4, HEIGHT - 4))).all()
        dot = dot_near(crops.crop(n), placed[n], 5) if inside else None
        offsets += [] if dot is None else [dot - placed[n]]
    assert len(offsets) >= 4 and np.abs(offsets).max() < 0.4


def test_augmented_joints_stay_on_their_dots(root):
    """Turned, scaled and mirrored; the wrist of a mirrored person goes by the other wrist's name."""
    train = to_people(read_mpii(root, "train"), RECIPE.box_scale)
    batches, offsets, mirrored = KeypointBatches(train, RECIPE, MIRRORED, seed=0, cached=True), [], 0
    for epoch in range(4):
        batches.start(epoch)
        for step in range(len(batches)):
            batch = batches[step]
            for image, joints, row, flipped in zip(
                batch.images.numpy(), batch.joints.numpy(), batch.rows, batch.flipped, strict=True
            ):
                truth = train.joints[row, DOTTED]
                place = joints[MIRRORED[DOTTED] if flipped else DOTTED]
                if ((truth > 4) & (truth < (WIDTH - 5, HEIGHT - 5))).all():
                    dot = dot_near(image.transpose(1, 2, 0), place, 5)
                    offsets += [] if dot is None else [dot - place]
                    mirrored += int(flipped) if dot is not None else 0
    assert len(offsets) > 30 and 5 < mirrored < len(offsets)
    assert np.abs(np.mean(offsets, axis=0)).max() < 0.15 and np.abs(offsets).max() < 0.7


def test_regions_are_the_published_ones(root):
    entry = json.loads(annotation_path(root, "valid").read_text())[1]
    region = to_people(read_mpii(root, "valid"), 1.25).people
    x, y = entry["center"]
    np.testing.assert_allclose(region.centres[1], [x - 1, y + 15 * entry["scale"] - 1])
    np.testing.assert_allclose(region.widths[1], 200 * 1.25 * entry["scale"])


def test_a_recipe_of_another_aspect_is_refused():
    with pytest.raises(ValueRuleError, match="square"):
        Mpii(**{**RECIPE.__dict__, "input_height": 48})


# ------------------------------------------------------------------------------------------------ reader
def test_reader_gives_people_in_order_several_in_a_picture(root):
    people = read_mpii(root, "valid")
    assert len(people) == 6 and people.names[0] == people.names[1] != people.names[2]
    assert people.joints.shape == (6, 16, 2)
    assert (~people.visible).sum() == 2 and not people.visible[3, [0, 4]].any()
    files = ("train.json", "valid.json", "gt_valid.mat")
    assert set(BENCHMARK.fingerprints(RECIPE, root)) == {f"mpii/annot/{name}" for name in files}


def test_flip_swaps_left_and_right_and_leaves_the_middle():
    for joint, partner in enumerate(MIRRORED):
        side = {"left": "right", "right": "left"}
        first, _, rest = JOINTS[joint].partition("_")
        assert JOINTS[partner] == (f"{side[first]}_{rest}" if first in side else JOINTS[joint])
    assert (MIRRORED[MIRRORED] == np.arange(NUM_JOINTS)).all()
    assert all("trunk" in (SIDES[a], SIDES[b]) or SIDES[a] == SIDES[b] for a, b in BONES)


EDITS = {
    "not a list": (lambda people: {"people": people}, "not a list"),
    "empty": (lambda people: people.clear(), "holds no sample"),
    "not an object": (lambda people: people.insert(2, 7), "sample 2: is not an object"),
    "no picture": (lambda people: people[2].update(image="none.jpg"), "none.jpg: not found .*sample 2"),
    "outside the folder": (lambda people: people[1].update(image="../x.jpg"), "sample 1: .* not a path below"),
    "no name": (lambda people: people[1].pop("image"), "sample 1: None is not a path"),
    "15 joints": (lambda people: people[4]["joints"].pop(), "sample 4: joints has shape"),
    "NaN": (lambda people: people[3]["joints"][5].__setitem__(0, np.nan), "sample 3: joints holds NaN"),
    "a word": (lambda people: people[0]["center"].__setitem__(0, "left"), "sample 0: center"),
    "scale as text": (lambda people: people[5].update(scale="1.5"), "sample 5: scale is missing or no number"),
    "text among joints": (lambda people: people[4]["joints"][0].__setitem__(1, "7"), "sample 4: joints is missing or"),
    "no scale": (lambda people: people[5].pop("scale"), "sample 5: scale"),
    "center as text": (lambda people: people[2].update(center="12"), "sample 2: center is missing or no number"),
    "truth for a number": (lambda people: people[2]["center"].__setitem__(0, True), "sample 2: center is missing"),
    "a joint at 1e9": (lambda people: people[3]["joints"][5].__setitem__(1, 1e9), "sample 3: a visible joint is at"),
    "a giant": (lambda people: people[1].update(scale=4000), "sample 1: scale is of a person of 8e.05 px"),
    "all joints in one point": (
        lambda people: people[4].update(joints=16 * [[50, 60]]),
        "sample 4: all visible joints",
    ),
    "several": (
        lambda people: [people[n].update(scale=0) for n in (1, 2, 5)],
        r"sample 1: scale is not above 0 \(valid_000.jpg\); so it is with 2 more: 2, 5;",
    ),
    "scale -1": (lambda people: people[5].update(scale=-1), "sample 5: scale is not above 0"),
    "visibility 2": (lambda people: people[1]["joints_vis"].__setitem__(3, 2), "sample 1: joints_vis"),
}


@pytest.mark.parametrize("name", EDITS)
def test_damage_is_named(copy, name):
    edit, message = EDITS[name]
    path = annotation_path(copy, "valid")
    people = json.loads(path.read_text())
    changed = edit(people)
    path.write_text(json.dumps(changed if isinstance(changed, dict) and "people" in changed else people))
    with pytest.raises(InputError, match=message) as caught:
        read_mpii(copy, "valid")
    assert "docs/data/mpii.md" in str(caught.value) and "\n" not in str(caught.value)


TRUTH_EDITS = {
    "one person less": (lambda v: {key: v[key][..., :-1] for key in v if key != "dataset_joints"}, "5 people"),
    "another order": (lambda v: {"pos_gt_src": v["pos_gt_src"][..., ::-1]}, "another order"),
    "another joint order": (lambda v: {"dataset_joints": v["dataset_joints"][:, ::-1]}, "dataset_joints"),
    "joints first and last": (lambda v: {"pos_gt_src": v["pos_gt_src"].transpose(2, 0, 1)}, "pos_gt_src has shape"),
    "head box of one point": (lambda v: {"headboxes_src": v["headboxes_src"] * 0}, "sample 0: headboxes_src"),
    "NaN in a visible joint": (
        lambda v: {"pos_gt_src": np.where(np.arange(6) == 4, np.nan, v["pos_gt_src"])},
        "sample 4: pos_gt_src",
    ),
    "head boxes times 100": (
        lambda v: {"headboxes_src": v["headboxes_src"] * 100},
        "100 times too large; so it is with 5 more: 1, 2",
    ),
    "head boxes a hundredth": (
        lambda v: {"headboxes_src": v["headboxes_src"] / 100},
        "sample 0: headboxes_src is of a head of 0.* px",
    ),
    "one head box times 100": (
        lambda v: {"headboxes_src": v["headboxes_src"] * np.where(np.arange(6) == 3, 100, 1)},
        "sample 3: headboxes_src is of a head of",
    ),
    "all joints in one point": (
        lambda v: {"pos_gt_src": np.where(np.arange(6) == 2, 40.0, v["pos_gt_src"])},
        "sample 2: all visible joints of pos_gt_src",
    ),
    "missing is 2": (lambda v: {"jnt_missing": v["jnt_missing"] + 2}, "jnt_missing"),
    "text": (lambda v: {"jnt_missing": "none"}, "jnt_missing"),
}


def truth_of(folder):
    variables = loadmat(truth_path(folder))
    return {key: variables[key] for key in ("dataset_joints", "jnt_missing", "pos_gt_src", "headboxes_src")}


@pytest.mark.parametrize("name", TRUTH_EDITS)
def test_truth_that_does_not_fit_is_refused(copy, name):
    edit, message = TRUTH_EDITS[name]
    variables = truth_of(copy)
    savemat(truth_path(copy), variables | edit(variables))
    with pytest.raises(InputError, match=message) as caught:
        check_same_people(read_truth(truth_path(copy)), read_mpii(copy, "valid"))
    assert "gt_valid.mat" in str(caught.value) and "\n" not in str(caught.value)


def test_a_truth_that_kills_its_reader_ends_in_one_line(copy):
    """A zero where a size has to be ends scipy with a segmentation fault."""
    variables = truth_of(copy)
    savemat(truth_path(copy), variables, do_compression=False)
    content = bytearray(truth_path(copy).read_bytes())
    content[220:224] = bytes(4)
    truth_path(copy).write_bytes(content)
    with pytest.raises(InputError, match=r"gt_valid\.mat: .*damaged; see docs") as caught:
        read_truth(truth_path(copy))
    assert "\n" not in str(caught.value)


def test_one_percent_of_the_people_may_lie_elsewhere_and_are_told(copy, capsys):
    truth, people = read_truth(truth_path(copy)), read_mpii(copy, "valid")
    moved = dataclasses.replace(people, joints=people.joints + 90 * (np.arange(6) == 4)[:, None, None])
    with pytest.raises(InputError, match="sample 4 and 0 more lie elsewhere"):
        check_same_people(truth, moved)
    many = [
        type(part)(
            **{
                key: (
                    20 * value if isinstance(value, list) else np.concatenate(20 * [value]) if key != "root" else value
                )
                for key, value in vars(part).items()
            }
        )
        for part in (truth, people)
    ]
    many[1].joints[7] += 90
    assert (
        check_same_people(*many) == 1
        and "1 people lie elsewhere than in valid.json: sample 7" in capsys.readouterr().err
    )


def test_pictures_of_half_the_size_are_named(root, copy):
    """Smaller pictures keep their names; the people's places tell."""
    (copy / "images").unlink()
    (copy / "images").mkdir()
    for path in (root / "images").glob("*.jpg"):
        small = cv2.resize(cv2.imread(str(path)), None, fx=0.3, fy=0.3)
        cv2.imwrite(str(copy / "images" / path.name), small)
    with pytest.raises(InputError, match=r"is 48x36 px, and the person of .*outside it, as are \d+ of 13 people"):
        read_mpii(copy, "train")


def test_a_picture_that_a_tag_turns_is_named_as_nothing_tells_which_pixels_were_annotated(root, copy):
    (copy / "images").unlink()
    shutil.copytree(root / "images", copy / "images")
    turned = copy / "images" / read_mpii(copy, "train").names[3]
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down: the size stays
    Image.open(turned).save(turned, exif=exif.tobytes())
    with pytest.raises(InputError, match=rf"{turned.name}: has an EXIF tag that turns it, as have \d of 13 images"):
        read_mpii(copy, "train")


def test_hdf5_beside_a_missing_file_is_told(copy):
    annotation_path(copy, "train").rename(annotation_path(copy, "train").with_suffix(".h5"))
    with pytest.raises(InputError, match=r"train\.json: not found, but train\.h5 is beside it.*says how to convert"):
        read_mpii(copy, "train")


def test_check_tells_every_fault(copy, monkeypatch, capsys):
    people = json.loads(annotation_path(copy, "valid").read_text())
    people[1]["scale"] = people[3]["scale"] = -1
    people[4]["image"] = "none.jpg"
    people[5]["joints"] = 16 * [[3, 3]]
    annotation_path(copy, "valid").write_text(json.dumps(people))
    with pytest.raises(SystemExit):
        run_cli(lambda: run(monkeypatch, "check", "--data", copy))
    told = capsys.readouterr().out
    assert "sample 1: scale is not above 0" in told and "so it is with 1 more: 3" in told
    assert "sample 5: all visible joints are in one point" in told and "none.jpg: not found" in told


def test_truth_may_have_joints_that_valid_json_lacks(copy):
    """The published valid.json leaves out some hidden joints; NaN where a joint is missing does no harm either."""
    variables = truth_of(copy)
    variables["pos_gt_src"][2, :, 1], variables["jnt_missing"][2, 1] = np.nan, 1
    savemat(truth_path(copy), variables)
    people = json.loads(annotation_path(copy, "valid").read_text())
    people[0]["joints"][7], people[0]["joints_vis"][7] = [-1, -1], 0
    annotation_path(copy, "valid").write_text(json.dumps(people))
    truth = read_truth(truth_path(copy))
    assert check_same_people(truth, read_mpii(copy, "valid")) == 0
    assert truth.visible[0, 7] and not truth.visible[1, 2]


def test_one_valid_person_is_enough(tmp_path):
    write_tiny_mpii(tmp_path, valid=1)  # Matlab drops the last axis of length 1
    truth = read_truth(truth_path(tmp_path))
    assert len(truth) == 1 and check_same_people(truth, read_mpii(tmp_path, "valid")) == 0


# ------------------------------------------------------------------------------------------ real samples
@pytest.fixture
def real(realdata, tmp_path):
    """The real sample in the published layout. It has no head boxes: one about neck and head top stands for them."""
    source = realdata("mpii/mmpose_5img")
    (tmp_path / "images").symlink_to(source)
    people = json.loads((source / "test_mpii.json").read_text())
    for split in ("train", "valid"):
        annotation_path(tmp_path, split).parent.mkdir(exist_ok=True)
        annotation_path(tmp_path, split).write_text(json.dumps(people))
    joints, visible = (np.array([person[key] for person in people]) for key in ("joints", "joints_vis"))
    heads = np.stack([joints[:, 8:10].min(axis=1) - 20, joints[:, 8:10].max(axis=1) + 20], axis=1)
    write_mat(truth_path(tmp_path), truth_variables(joints, visible, heads))
    return tmp_path


def test_real_people_are_trained_on_and_evaluated(real, tmp_path):
    torch.manual_seed(0)
    benchmark = MpiiPose(RECIPE, build_backbone("resnet18_narrow"), data=real, seed=0, workers=0)
    (_, losses), *_ = benchmark.losses(next(benchmark.batches(0, 0)))
    losses["heatmaps"].backward()
    player = benchmark.players["pose"]
    player.optimiser.step()
    benchmark.write_predictions(tmp_path)
    metrics = score_run(RECIPE, real, tmp_path)
    assert 0 <= metrics["pckh_50"] <= 100 and metrics["samples"] == 5
    assert read_predictions(tmp_path / "predictions.mat", 5).shape == (5, 16, 2)
    assert examples(RECIPE, real, tmp_path).shape == (5, 256, 256, 3)
    people = read_mpii(real, "valid")
    regions = to_people(people, 1.25).people
    near = np.abs(people.joints - regions.centres[:, None]).max(axis=2) < regions.widths[:, None] / 2
    assert near[people.visible].all()  # the published crops show all joints of these five
    head, ankles = people.joints[:, 9, 1], people.joints[:, [0, 5], 1]
    assert (head < ankles.max(axis=1))[people.visible[:, 0]].all()


def test_augmented_samples_are_drawn(root):
    samples = augmented_samples(RECIPE, data=root, seed=0, count=7)
    assert samples.shape == (7, 256, 256, 3) and samples.dtype == np.uint8
    blue = (samples == (0x1F, 0x77, 0xB4)).all(axis=3).any(axis=(1, 2))
    assert blue.all()


# -------------------------------------------------------------------------------------- release, commands
@pytest.fixture
def release(tmp_path):
    return write_tiny_release(tmp_path / "release.mat")


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["command", *map(str, words)])
    command.main()


def test_release_becomes_the_published_layout(release, tmp_path, monkeypatch, capsys):
    listed = tmp_path / "valid.txt"
    listed.write_text("a.jpg 2\n\n")
    out = tmp_path / "mpii"
    run(monkeypatch, "prepare", "--release", release, "--validation", listed, "--out", out)
    assert "2 people of training pictures lack" in capsys.readouterr().out
    files = {
        name: json.loads(annotation_path(out, name).read_text()) for name in ("train", "valid", "trainval", "test")
    }
    images = {name: [person["image"] for person in people] for name, people in files.items()}
    # The other person of a.jpg is in neither split, as in the published one.
    assert images == {"train": ["b.jpg", "c.jpg"], "valid": ["a.jpg"], "trainval": ["a.jpg", "a.jpg", "b.jpg", "c.jpg"],
                      "test": ["t.jpg"]}  # fmt: skip
    person = files["valid"][0]
    assert person["center"] == [12.0, 20.0] and person["scale"] == 1.5
    assert np.flatnonzero(person["joints_vis"]).tolist() == [0, 9, 15]
    assert person["joints"][15] == [215.0, 80.0] and person["joints"][1] == [-1, -1]
    assert all(files["train"][0]["joints_vis"])  # hidden ones too
    truth = read_truth(truth_path(out))
    assert truth.head_sizes == pytest.approx([0.6 * 50]) and truth.visible[0].sum() == 3
    np.testing.assert_array_equal(truth.joints[0, 15], [214, 79])
    with pytest.raises(InputError, match="already exists"):
        run(monkeypatch, "prepare", "--release", release, "--out", out)


def test_without_a_list_there_is_no_split(release, tmp_path, monkeypatch):
    run(monkeypatch, "prepare", "--release", release, "--out", tmp_path / "mpii")
    assert {path.name for path in (tmp_path / "mpii" / "annot").iterdir()} == {"trainval.json", "test.json"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("z.jpg", "line 1: z.jpg is not a labelled person"),
        ("b.jpg\nc.jpg 2", "line 2: c.jpg 2 is not a labelled person"),
        ("a.jpg\nb.jpg\nc.jpg", "leaves 0 people to train on"),
        ("", "leaves 4 people to train on and 0"),
    ],
)
def test_a_list_that_names_nobody_is_refused(release, tmp_path, monkeypatch, text, message):
    (tmp_path / "valid.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        run(
            monkeypatch,
            "prepare",
            "--release",
            release,
            "--validation",
            tmp_path / "valid.txt",
            "--out",
            tmp_path / "m",
        )
    assert not (tmp_path / "m").exists()


def test_another_matlab_file_is_no_release(tmp_path, monkeypatch):
    for content, message in (({"x": 1}, "has no variable RELEASE"), ({"RELEASE": {"annolist": 1}}, "not laid out")):
        savemat(tmp_path / "release.mat", content)
        with pytest.raises(InputError, match=message):
            run(monkeypatch, "prepare", "--release", tmp_path / "release.mat", "--out", tmp_path / "m")


def test_check_tells_what_is_there_and_what_is_not(root, copy, monkeypatch, capsys):
    run(monkeypatch, "check", "--data", root)
    told = capsys.readouterr().out
    assert "differs  people of train: 13, the official release has 22,246" in told
    assert "6 people, in valid.json's order; 0 lie elsewhere, 0 have other joints there" in told
    truth_path(copy).unlink()
    with pytest.raises(SystemExit):
        run_cli(lambda: run(monkeypatch, "check", "--data", copy))
    assert "missing  " in (told := capsys.readouterr().out) and "gt_valid.mat: not found" in told


def test_check_looks_at_the_rest_after_a_damaged_file_and_tells_it_once(copy, monkeypatch, capsys):
    for name in ("valid", "trainval"):
        text = annotation_path(copy, "train").read_text()
        annotation_path(copy, name).write_text(text[: len(text) // 2])
    with pytest.raises(SystemExit) as ended:
        run_cli(lambda: run(monkeypatch, "check", "--data", copy))
    told = capsys.readouterr().out
    assert ended.value.code == 1 and told.count("valid.json: not valid JSON") == 1
    assert "annot/gt_valid.mat: 6 people, not compared with valid.json" in told
    assert "pictures of train: all 7 there, 13 read" in told and told.count("trainval.json: not valid JSON") == 1


def test_check_counts_people_whose_pictures_are_lost(copy, monkeypatch, capsys):
    (copy / "images").unlink()
    with pytest.raises(SystemExit):
        run_cli(lambda: run(monkeypatch, "check", "--data", copy))
    told = capsys.readouterr().out
    assert "people of train: 13," in told and "people of valid: 6," in told and "gt_valid.mat: 6 people" in told
