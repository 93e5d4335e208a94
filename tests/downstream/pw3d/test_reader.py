"""Shape annotations: what is read, how sets are mixed, and what every bad file is told."""

import cv2
import numpy as np
import pytest
from tiny.pw3d import SIDE, SIZES, write_tiny_pw3d

from downstream.pw3d.check import findings
from downstream.pw3d.reader import TEST, TRAIN, TRUTH, annotation_path, read_annotations, read_mix, read_shape_split
from liftedcl.identity.errors import InputError

H36M, LSP, LSPET = TRAIN[0], TRAIN[1], "hr-lspet_train"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_pw3d(tmp_path_factory.mktemp("pw3d"))


@pytest.fixture
def changed(root, tmp_path):
    """A function that links the data set, changes the arrays of one file and reads that set."""

    def read(name, change):
        (tmp_path / "images").symlink_to(root / "images")
        path = annotation_path(tmp_path, name)
        path.parent.mkdir()
        arrays = dict(np.load(annotation_path(root, name)))
        change(arrays)
        np.savez(path, **arrays)
        return read_shape_split(tmp_path, name)

    return read


def test_what_a_set_lacks_is_zero_and_marked(root):
    test, h36m, lspet = (read_shape_split(root, name) for name in (TEST, H36M, LSPET))
    assert test.has_smpl.all() and test.gender.tolist() == [1, 2] * 3
    assert not test.joints_3d.any() and not test.joints_2d.any()
    assert h36m.has_smpl.tolist() == [n % 4 != 3 for n in range(12)] and h36m.joints_3d[..., 3].all()
    assert not lspet.has_smpl.any() and not lspet.pose.any() and lspet.joints_2d[..., 2].all()
    assert test.pose.shape == (6, 72) and test.betas.shape == (6, 10) and lspet.joints_3d.shape == (3, 24, 4)


def test_shares_are_the_papers(root):
    mix = read_mix(root)
    assert [samples.folder.name for samples, _ in mix] == list(TRAIN)
    shares = {samples.folder.name: share for samples, share in mix}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares[H36M] == 0.3 and shares["mpi_inf_3dhp_train"] == 0.1
    wild = [name for name in TRAIN if name not in (H36M, "mpi_inf_3dhp_train")]
    assert all(shares[name] == pytest.approx(0.6 * SIZES[name] / 16) for name in wild)


def test_names_of_python_2_are_read(changed):
    samples = changed(LSP, lambda arrays: arrays.update(imgname=arrays["imgname"].astype("S")))
    assert samples.names == ["part_0/00000.jpg", "part_1/00001.jpg", "part_0/00002.jpg"]


def test_superfluous_axes_are_dropped(root, changed):
    samples = changed(LSP, lambda arrays: arrays.update(pose=arrays["pose"][:, None], has_smpl=np.ones((3, 1), bool)))
    np.testing.assert_array_equal(samples.pose, read_shape_split(root, LSP).pose)
    assert samples.has_smpl.shape == (3,)


def test_all_missing_sets_are_named_at_once(root, tmp_path):
    (tmp_path / "dataset_extras").mkdir()
    for name in TRAIN[:4]:
        annotation_path(tmp_path, name).symlink_to(annotation_path(root, name))
    with pytest.raises(InputError, match=r"hr-lspet_train\.npz, mpi_inf_3dhp_train\.npz: not found"):
        read_mix(tmp_path)


def _set(key, index, value):
    def change(arrays):
        arrays[key][index] = value

    return change


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (H36M, _set("part", (4, 2, 0), np.nan), "sample 4: part holds NaN"),
        (H36M, _set("S", (7, 0, 2), np.inf), "sample 7: S holds NaN or infinity"),
        (TEST, _set("pose", (1, 70), np.nan), "sample 1: pose holds NaN"),
        (LSP, _set("scale", 2, 0.0), "sample 2: scale is not above 0"),
        (LSP, _set("imgname", 1, "part_9/no.jpg"), "part_9/no.jpg: not found .*sample 1"),
        (LSP, _set("imgname", 1, "../x.jpg"), "sample 1: '../x.jpg' is not a path"),
        (
            TEST,
            lambda a: a["pose"].__imul__(180 / np.pi),
            "sample 0: pose turns a joint by .* to be in degrees.* 5 more",
        ),
        (TEST, _set("shape", (3, 2), 1e6), "sample 3: shape is 1e.06 standard deviations"),
        (TEST, lambda arrays: arrays.update(shape=np.ones((6, 10), bool)), "shape is .* bool"),
        (TEST, lambda arrays: arrays.update(scale=np.array(["1"] * 6)), "scale is .* not numbers"),
        (TEST, _set("center", (2, 0), 1e9), "sample 2: center is at 1e.09 px"),
        (H36M, lambda a: a["S"].__imul__([1000, 1000, 1000, 1]), "sample 0: the joints of S extend over .* be in mm"),
        (H36M, _set("S", (4, slice(None), slice(3)), 0.5), "sample 4: the joints of S extend over 0 m"),
        (H36M, _set("scale", [2, 5], 1e4), "sample 2: scale is of a square of 2e.06 px.*; so it is with 1 more: 5"),
        (TEST, _set("gender", 0, "x"), "gender 'x' is neither m nor f"),
        (TEST, lambda arrays: arrays.pop("gender"), "has no array gender"),
        (TEST, lambda arrays: arrays.update(has_smpl=np.array([1, 1, 0, 1, 1, 1])), "sample 2: has_smpl is 0"),
        (LSP, lambda arrays: arrays.pop("center"), "has no array center"),
        (LSP, lambda arrays: arrays.pop("shape"), "one of pose and shape"),
        (LSPET, lambda arrays: arrays.update(has_smpl=np.ones(3)), "has_smpl is set but pose and shape are missing"),
        (LSP, lambda arrays: arrays.update(part=arrays["part"][:, :20]), r"part is \(3, 20, 3\)"),
        (LSP, lambda arrays: arrays.update(shape=arrays["shape"][:2]), r"shape is \(2, 10\)"),
        (LSP, lambda arrays: arrays.update(imgname=arrays["imgname"].astype(object)), "imgname holds pickled objects"),
        (LSP, lambda arrays: arrays.update({k: v[:0] for k, v in arrays.items()}), "holds no sample"),
    ],
)
def test_bad_annotations_are_named(changed, name, change, message):
    with pytest.raises(InputError, match=message) as error:
        changed(name, change)
    assert f"{name}" in str(error.value) and "docs/data" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("missing", TRUTH)
def test_what_is_needed_hangs_on_who_asks_and_not_on_the_files_name(root, tmp_path, missing):
    path = tmp_path / "mytest.npz"
    arrays = dict(np.load(annotation_path(root, TEST)))
    np.savez(path, **arrays, has_smpl=np.ones(6))
    assert read_annotations(path, tmp_path, TRUTH).pose.any()
    del arrays[missing]
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=f"mytest.npz: has no array {missing}"):
        read_annotations(path, tmp_path, TRUTH)


def pictures_finding(root, name):
    return next(finding for finding in findings(root) if f"images/{name}" in finding.text)


def test_check_counts_centres_outside_and_does_not_fail_for_them(root, tmp_path):
    """People at a border have theirs outside; a spread of the pictures is read, the last one among them."""
    assert pictures_finding(root, H36M).text.endswith(
        ": all 12 there, 12 read; centres of people outside their image: 0 of 12"
    )
    (tmp_path / "dataset_extras").mkdir()
    (tmp_path / "images" / H36M).mkdir(parents=True)
    for part in (root / "images" / H36M).iterdir():
        (tmp_path / "images" / H36M / part.name).symlink_to(part)
    arrays = {key: np.concatenate([values, values]) for key, values in np.load(annotation_path(root, H36M)).items()}
    arrays["center"][0], arrays["center"][-1] = (-1, 5), (5, SIDE + 1)
    np.savez(annotation_path(tmp_path, H36M), **arrays)
    finding = pictures_finding(tmp_path, H36M)
    assert finding.state == "ok" and "all 12 there, 16 read" in finding.text and finding.text.endswith("2 of 16")
    last = tmp_path / "images" / H36M / str(arrays["imgname"][-1])
    content = last.read_bytes()
    last.parent.unlink()
    last.parent.mkdir()
    for number in range(1, 12, 2):
        (last.parent / f"{number:05d}.jpg").write_bytes(content if number < 11 else content[:100])
    finding = pictures_finding(tmp_path, H36M)
    assert finding.state == "broken" and str(last) in finding.text


def test_pictures_of_half_the_size_are_named(root, tmp_path):
    (tmp_path / "dataset_extras").mkdir()
    arrays = dict(np.load(annotation_path(root, H36M)))
    arrays["center"] = np.full((12, 2), SIDE / 2 + 20)
    np.savez(annotation_path(tmp_path, H36M), **arrays)
    for path in (root / "images" / H36M).rglob("*.jpg"):
        out = tmp_path / "images" / H36M / path.relative_to(root / "images" / H36M)
        out.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(out), cv2.resize(cv2.imread(str(path)), None, fx=0.5, fy=0.5))
    with pytest.raises(InputError, match=f"is {SIDE // 2}x{SIDE // 2} px, and the person of .* 12 of 12 people"):
        read_shape_split(tmp_path, H36M)
    assert pictures_finding(tmp_path, H36M).state == "broken"


def test_check_tells_every_fault(root, tmp_path):
    (tmp_path / "dataset_extras").mkdir()
    (tmp_path / "images").symlink_to(root / "images")
    arrays = dict(np.load(annotation_path(root, H36M)))
    arrays["shape"][[1, 6]] = 99
    arrays["pose"][4] = 50
    arrays["imgname"][[2, 3]] = "part_0/none.jpg"
    np.savez(annotation_path(tmp_path, H36M), **arrays)
    told = "\n".join(finding.text for finding in findings(tmp_path))
    assert "sample 1: shape is 99" in told and "so it is with 1 more: 6" in told and "sample 4: pose turns" in told
    assert "none.jpg: not found" in told and "sample 2; so it is with 1 more: 3" in told


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\x80\x04N.", b"\x93NUMPY"])
def test_files_that_are_no_npz_are_named(root, tmp_path, content):
    path = annotation_path(tmp_path, LSP)
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"{LSP}.npz.*docs/data"):
        read_shape_split(tmp_path, LSP)


def test_a_truncated_npz_and_a_single_array_are_named(root, tmp_path):
    path = annotation_path(tmp_path, LSP)
    path.parent.mkdir()
    path.write_bytes(annotation_path(root, LSP).read_bytes()[:-200])
    with pytest.raises(InputError, match="truncated or damaged"):
        read_shape_split(tmp_path, LSP)
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(InputError, match="one array, not an npz"):
        read_shape_split(tmp_path, LSP)
