"""A list of pairs in one's own folder: by picture or by annotation, in the list's order; each mistake is one line."""

import itertools
import json

import cv2
import numpy as np
import pytest

from liftedcl.crops import make_own_crops
from liftedcl.identity.errors import InputError
from liftedcl.images.pairs import KINDS, open_pairs
from liftedcl.images.shard import open_shard
from liftedcl.pairs import make_own_pairs
from liftedcl.recipes.data_recipes import Crops

NAMES = ("a.png", "b, c.png", "sub/d.png", "tiny.png")
PEOPLE = {
    3: ("a.png", "ann"),
    5: ("b, c.png", "ann"),
    8: ("sub/d.png", "ann"),
    9: ("sub/d.png", "bob"),
    11: ("a.png", None),
}
"""Annotation id -> picture and subject."""


def make_folder(root, boxes):
    for number, name in enumerate(NAMES):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        cv2.imwrite(str(root / name), pixels)
    if boxes:
        images = [{"id": n, "file_name": name, "width": 60, "height": 40} for n, name in enumerate(NAMES)]
        people = [
            {"id": n, "image_id": NAMES.index(name), "bbox": [n, 0, 30, 40]} | ({"subject": who} if who else {})
            for n, (name, who) in PEOPLE.items()
        ]
        people.append({"id": 12, "image_id": 3, "bbox": [0, 0, 2, 2]})  # too small for a crop
        (root / "boxes.json").write_text(json.dumps({"images": images, "annotations": people}))


@pytest.fixture(scope="module", params=[False, True], ids=["pictures", "boxes"])
def packed(request, tmp_path_factory):
    root = tmp_path_factory.mktemp("own") / "people"
    make_folder(root, request.param)
    make_own_crops(root, root.parent / "x.npy", Crops(height=40, width=30, min_keypoints=0, min_side=4))
    return root, request.param


def paired(packed, *lines, header="first,second,kind", end="\n", encoding="utf-8"):
    """The pairs of a list, as (file, annotation id, file, annotation id, kind)."""
    root, _ = packed
    (root / "pairs.csv").write_bytes(end.join([header, *lines, ""]).encode(encoding))
    make_own_pairs(root, root.parent / "x.npy")
    shard = open_shard(root.parent / "x.npy")
    pairs, index = open_pairs(shard), shard.index
    people = list(zip(index["file"], index["annotation_id"], strict=True))
    rows = zip(pairs.first, pairs.second, pairs.kinds, strict=True)
    return [(*people[first], *people[second], KINDS[kind]) for first, second, kind in rows]


def test_pictures_are_paired_by_name_in_the_order_of_the_list(packed):
    lines = [
        '"b, c.png",sub/d.png,pose',
        "./sub/d.png , a.png , view",
        "",
        'a.png,"b, c.png",view',
        '"b, c.png",a.png,view',
    ]
    if packed[1]:
        lines = [line.replace("./sub/d.png", "8").replace("sub/d.png", "8").replace("a.png", "3") for line in lines]
    found = paired(packed, *lines)
    assert [(first, second, kind) for first, _, second, _, kind in found] == [
        ("b, c.png", "sub/d.png", "pose"), ("sub/d.png", "a.png", "view"), ("a.png", "b, c.png", "view"),
        ("b, c.png", "a.png", "view"),
    ]  # fmt: skip
    if packed[1]:
        assert found[1][:4] == ("sub/d.png", 8, "a.png", 3)
    assert paired(packed, *lines, end="\r\n", encoding="utf-8-sig") == found  # as a spreadsheet saves it


WRONG = [
    ("a.png,a.png,view", "pairs a.png with itself", False),
    ("a.png,./a.png,view", "pairs a.png with itself", False),
    ("a.png,sub/d.png,side", "'side' is not one of view, pose", False),
    ("a.png,sub/d.png", "has 2 values, not first, second and kind", False),
    ("a.png,nobody.png,view", "nobody.png is no image with a crop in x.npy", False),
    ("a.png,2,view", "2 is no image with a crop", False),  # a number that would change with the folder
    ("3,77,view", "77 is neither an image with a crop nor the annotation id of one", True),
    ("3,12,view", "12 is neither an image with a crop", True),
    ("3,3,view", "pairs 3 with itself", True),
    ("a.png,5,view", r"a.png shows 2 people; write the annotation id of one \(3, 11\)", True),
    ("3,11,view", "3 and 11 are two people of one image, a.png", True),
    ("3,9,pose", "3 shows subject ann, and 9 subject bob", True),
]


@pytest.mark.parametrize("wrong", WRONG, ids=[line for line, *_ in WRONG])
def test_a_wrong_line_is_named_with_its_number(packed, wrong):
    line, named, boxes = wrong
    if packed[1] != boxes:
        return
    good = "5,8,view" if boxes else '"b, c.png",sub/d.png,view'
    with pytest.raises(InputError, match=rf"pairs.csv: line 3: {named}.*; mend the list") as error:
        paired(packed, good, line)
    assert "\n" not in str(error.value)


def test_a_pair_twice_and_several_mistakes_are_counted(packed):
    good = "5,8,view" if packed[1] else '"b, c.png",sub/d.png,view'
    with pytest.raises(InputError, match="line 3: lists a pair for the second time, and 1 other lines are wrong"):
        paired(packed, good, good, "x,x,x")


def test_a_person_of_unknown_subject_may_be_paired_with_anyone(packed):
    if packed[1]:
        assert len(paired(packed, "11,5,pose", "11,9,pose")) == 2


def test_one_in_a_hundred_may_have_no_crop_and_is_told(tmp_path, capsys):
    """A picture that is broken or too small leaves no crop, and a long list may not know it."""
    root = tmp_path / "people"
    root.mkdir()
    for number in range(11):
        cv2.imwrite(str(root / f"{number}.png"), np.full((8, 6, 3), number, np.uint8))
    make_own_crops(root, tmp_path / "x.npy", Crops(height=8, width=6, min_keypoints=0, min_side=1))
    pairs = [f"{one}.png,{other}.png,view" for one, other in itertools.permutations(range(11), 2)]
    assert len(paired((root, False), *pairs[:50], "0.png,gone.png,view", *pairs[50:])) == len(pairs) == 110
    told = "left out 1 pairs of which a person has no crop; the first is line 52: gone.png"
    assert capsys.readouterr().err == f"note: {root / 'pairs.csv'}: {told}\n"
    with pytest.raises(InputError, match=r"line 52: gone.png is no image"):
        paired((root, False), *pairs[:50], "0.png,gone.png,view", *pairs[70:])


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "begins with ''; its first line has to be first,second,kind"),
        (b"a.png,sub/d.png,view\n", "begins with 'a.png,sub/d.png,view'"),
        (b"first;second;kind\n", "begins with 'first;second;kind'"),
        (b"first,second,kind\n", "lists no pair"),
        (b"\xff\xfe", "not a CSV file"),
        (b'first,second,kind\n"a.png,b\n', "not a CSV file"),
    ],
)
def test_a_file_that_is_no_list_is_one_line(packed, content, named):
    root, _ = packed
    (root / "pairs.csv").write_bytes(content)
    with pytest.raises(InputError, match=named) as error:
        make_own_pairs(root, root.parent / "x.npy")
    assert "\n" not in str(error.value)


def test_a_missing_list_is_one_line(packed):
    root, _ = packed
    (root / "pairs.csv").unlink(missing_ok=True)
    with pytest.raises(InputError, match=r"pairs.csv: not found; see docs/data/people.md"):
        make_own_pairs(root, root.parent / "x.npy")
