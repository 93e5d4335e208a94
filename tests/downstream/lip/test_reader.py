"""LIP's reader: the official layout, real pictures, and what it says about each kind of bad input."""

import zlib

import cv2
import numpy as np
import pytest
from PIL import Image
from tiny.lip import COLOURS, write_image, write_tiny_lip

from downstream.lip.labels import IGNORED, PALETTE
from downstream.lip.reader import image_path, label_path, list_path, read_label, read_lip
from liftedcl.identity.errors import InputError


@pytest.fixture
def root(tmp_path):
    return write_tiny_lip(tmp_path / "lip", train=3, val=2, encoding=".jpg")


def _name(root, i=0):
    return list_path(root, "train").read_text().split()[i]


def _fails(root, *mentioned):
    with pytest.raises(InputError) as caught:
        read_lip(root, "train")
    message = str(caught.value)
    assert all(str(text) in message for text in (*mentioned, "docs/data/lip.md")) and "\n" not in message


def test_reads_pictures_and_label_maps_in_the_order_of_the_list(root):
    samples = read_lip(root, "train")
    assert len(samples) == 3 and samples.names == list_path(root, "train").read_text().split()
    for i in range(3):
        image, labels = samples.image(i), samples.label(i)
        assert samples.sizes[i].tolist() == [labels.shape[1], labels.shape[0]] and labels.dtype == np.uint8
        difference = np.abs(image.astype(int) - COLOURS[labels]).mean(axis=2)
        assert np.median(difference) < 3  # RGB, in place


def test_ids_may_carry_an_extension_and_blank_lines(root):
    names = read_lip(root, "train").names
    list_path(root, "train").write_text("\r\n".join(f"{name}.jpg" for name in names) + "\r\n\r\n")
    assert read_lip(root, "train").names == names


def test_ignored_pixels_are_allowed(root):
    path = label_path(root, "train", _name(root))
    labels = read_label(path).copy()
    labels[0] = IGNORED
    write_image(path, labels)
    np.testing.assert_array_equal(read_lip(root, "train").label(0), labels)


def test_a_split_without_any_class_is_named_and_one_labelled_pixel_is_enough(root):
    labels = []
    for i in range(3):
        path = label_path(root, "train", _name(root, i))
        labels.append(np.full_like(read_label(path), IGNORED))
        write_image(path, labels[-1])
    _fails(root, root / "train_segmentations", "every pixel of all 3 label maps is ignored (255)")
    labels[2][0, 0] = 7
    write_image(label_path(root, "train", _name(root, 2)), labels[2])
    assert len(read_lip(root, "train")) == 3


def test_a_palette_png_is_read_by_its_indices(root):
    path = label_path(root, "train", _name(root))
    labels = read_label(path)
    picture = Image.fromarray(labels).convert("P")
    picture.putdata(labels.ravel().tolist())
    picture.putpalette(PALETTE.ravel().tolist())
    picture.save(path)
    assert Image.open(path).mode == "P"
    np.testing.assert_array_equal(read_label(path), labels)


@pytest.mark.parametrize("value", [20, 254])
def test_an_illegal_class_is_named(root, value):
    path = label_path(root, "train", _name(root, 1))
    labels = read_label(path).copy()
    labels[-1, -1] = value
    write_image(path, labels)
    _fails(root, path, f"class {value}")


def test_a_picture_and_a_label_map_of_different_sizes_are_both_named(root):
    name = _name(root, 2)
    image, label = image_path(root, "train", name), label_path(root, "train", name)
    write_image(label, read_label(label)[:-1])
    _fails(root, image, label)


@pytest.mark.parametrize("place", [image_path, label_path])
def test_a_missing_file_is_named(root, place):
    path = place(root, "train", _name(root, 1))
    path.unlink()
    _fails(root, path, "not found")


@pytest.mark.parametrize("length", [0, 8, 30, 60])
@pytest.mark.parametrize("place", [image_path, label_path])
def test_a_truncated_file_is_named(root, place, length):
    path = place(root, "train", _name(root, 1))
    path.write_bytes(path.read_bytes()[:length])
    _fails(root, path, "truncated")


def test_a_label_map_cut_off_anywhere_is_named_or_whole(root):
    path = label_path(root, "train", _name(root))
    data, labels = path.read_bytes(), read_label(path)
    named = 0
    for length in range(len(data)):
        path.write_bytes(data[:length])
        try:
            np.testing.assert_array_equal(read_label(path), labels)
        except InputError as error:
            assert str(path) in str(error)
            named += 1
    assert named > len(data) - 40  # what is left out at the very end are checksums


def test_a_label_map_with_a_wrong_bit_never_ends_in_a_stack_trace(root):
    path = label_path(root, "train", _name(root))
    data, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert read_label(path).max() <= IGNORED
        except InputError as error:
            assert str(path) in str(error)


def _forms(labels):
    """One class number for each pixel, in all forms that say so."""
    opaque, grey = np.full_like(labels, 255), np.dstack([labels] * 3)
    bits = Image.fromarray(labels)
    bits.putpalette(PALETTE.ravel().tolist())
    return {
        "16 bits": Image.fromarray(labels.astype(np.uint16)),
        "RGB": Image.fromarray(grey),
        "RGBA": Image.fromarray(np.dstack([grey, opaque])),
        "LA": Image.fromarray(np.dstack([labels, opaque])),
        "palette of 4 bits": bits,
    }


@pytest.mark.parametrize("form", ["16 bits", "RGB", "RGBA", "LA", "palette of 4 bits"])
def test_one_number_a_pixel_is_read_in_whatever_form(root, form):
    path = label_path(root, "train", _name(root))
    labels = np.minimum(read_label(path), 13)
    _forms(labels)[form].save(path, **({"bits": 4} if form == "palette of 4 bits" else {}))
    found = read_label(path)
    np.testing.assert_array_equal(found, labels)
    assert found.dtype == np.uint8


@pytest.mark.parametrize("form", ["colours", "transparency", "grey and transparency", "1 bit", "4 bits"])
def test_a_label_map_without_one_number_a_pixel_is_named_with_the_way_out(root, form):
    path = label_path(root, "train", _name(root))
    labels = read_label(path) % 2
    half = np.where(labels, 255, 0).astype(np.uint8)
    picture = {
        "colours": lambda: Image.fromarray(PALETTE[labels]),
        "transparency": lambda: Image.fromarray(np.dstack([labels] * 3 + [half])),
        "grey and transparency": lambda: Image.fromarray(np.dstack([labels, half])),
        "1 bit": lambda: Image.fromarray(half).convert("1"),
        "4 bits": lambda: Image.fromarray(labels),
    }[form]()
    picture.save(path)
    if form == "4 bits":  # PIL writes none: the header's depth is changed, with its checksum
        data = bytearray(path.read_bytes())
        data[24] = 4
        data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
        path.write_bytes(data)
    _fails(root, path, "grey of less than 8 bits", f"Image.fromarray(classes.astype('uint8')).save('{path.name}')")


def test_a_map_of_a_turned_picture_is_named_with_its_tag(root):
    """The picture's EXIF tag says that it was annotated as viewers turn it."""
    name = _name(root)
    image, label = image_path(root, "train", name), label_path(root, "train", name)
    labels = read_label(label)
    write_image(label, np.ascontiguousarray(labels.T))
    if labels.shape[0] != labels.shape[1]:
        _fails(root, image, label, "one of them is turned")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(image).resize((40, 60)).save(image, exif=exif.tobytes())
    write_image(label, np.zeros((40, 60), np.uint8))
    _fails(root, image, label, "annotated as turned by EXIF tag 6")
    write_image(label, np.zeros((60, 40), np.uint8))
    assert read_lip(root, "train").sizes[0].tolist() == [40, 60]  # labels of the stored pixels are as they should be


@pytest.mark.parametrize("tag", [2, 3, 4])
def test_turns_that_leave_the_size_are_refused_unless_another_image_shows_that_tags_are_ignored(root, tag):
    exif, names = Image.Exif(), read_lip(root, "train").names
    exif[0x0112] = tag
    path = image_path(root, "train", names[0])
    Image.open(path).save(path, exif=exif.tobytes())
    _fails(root, "1 of 3 images, the first is", path.name, "EXIF tag", "remove the tag")
    exif[0x0112] = 6
    other = image_path(root, "train", names[1])  # not square, and labelled as it is stored
    Image.open(other).save(other, exif=exif.tobytes())
    assert len(read_lip(root, "train")) == 3


def test_all_faults_are_counted(root):
    names = read_lip(root, "train").names
    label_path(root, "train", names[0]).unlink()
    write_image(label_path(root, "train", names[2]), np.full((9, 9), 77, np.uint8))
    _fails(root, label_path(root, "train", names[0]), "not found", "and 1 other faults")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lists_with_a_byte_order_mark_are_read(root, encoding):
    path = list_path(root, "train")
    names = read_lip(root, "train").names
    path.write_bytes("\r\n".join(names).encode(encoding))
    assert read_lip(root, "train").names == names


def test_a_jpeg_under_a_label_maps_name_is_named(root):
    path = label_path(root, "train", _name(root))
    path.write_bytes(cv2.imencode(".jpg", read_label(path))[1].tobytes())
    _fails(root, path, "not a PNG")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no sample"),
        ("\n\n", "no sample"),
        ("../1_2\n", "not the name"),
        ("1_2\0\n", "not the name"),
        ("1_2\n1_2.jpg\n", "twice"),
        ("1_2.jpg 1_2.png\n", "several names"),
    ],
)
def test_a_bad_list_is_named(root, text, problem):
    list_path(root, "train").write_text(text)
    _fails(root, list_path(root, "train"), problem)


def test_a_list_that_is_missing_or_no_text_is_named(root):
    list_path(root, "train").write_bytes(b"\xff\xfe\x00")
    _fails(root, list_path(root, "train"), "not a text file")
    list_path(root, "train").unlink()
    _fails(root, list_path(root, "train"), "not found")


def test_a_picture_damaged_behind_its_header_is_named_when_it_is_read(root):
    samples = read_lip(root, "train")
    path = image_path(samples.root, samples.split, samples.names[0])
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=str(path)):
        samples.image(0)


def test_real_pictures_and_the_real_list(realdata, tmp_path):
    """The sample has no label maps: empty ones of the right sizes stand in."""
    pictures = sorted(realdata("lip/lip_val6").glob("*.jpg"))
    official = realdata("lip/val_id.txt").read_text().split()
    wanted = [name for name in official if name in {path.stem for path in pictures}]
    assert len(official) == 10_000 and len(wanted) == 6
    list_path(tmp_path, "val").write_text("\n".join(wanted))
    (tmp_path / "val_images").symlink_to(pictures[0].parent)
    for path in pictures:
        with Image.open(path) as picture:
            write_image(label_path(tmp_path, "val", path.stem), np.zeros(picture.size[::-1], np.uint8))
    samples = read_lip(tmp_path, "val")
    assert samples.names == wanted
    for i in range(6):
        assert samples.image(i).shape == (*samples.label(i).shape, 3) and samples.image(i).std() > 10
