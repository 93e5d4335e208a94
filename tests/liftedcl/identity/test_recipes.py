"""Values of the right type that can't be: each names its key. What unreadable inputs of the stages end in."""

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import yaml
from repository import REPOSITORY
from tiny.h36m import RECIPE as TINY_H36M
from tiny.pretraining import ROWS as PRETRAIN_ROWS

from downstream import finetune
from downstream.h36m.shared.recipe import H36M3D
from liftedcl import lifted_figure, pretrain
from liftedcl.files.image_files import process_images
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.recipe import read_recipe, to_json
from liftedcl.images.coco_people import read_people
from liftedcl.images.shard import ShardWriter, open_shard
from liftedcl.networks.encoder import BACKBONES, build_backbone, load_strictly
from liftedcl.recipes.backbone_names import NAMES
from liftedcl.recipes.data_recipes import Crops, H36MPairs, Pictures, Skeletons
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from synthetic.recipes import Generated
from workflow.params import read_params

PARAMS = REPOSITORY / "params.yaml"
DEMO = read_params(PARAMS, {"profile": "demo"})

BAD_ENCODERS = {
    "backbone": ["resnet51", ""],
    "training.epochs": [0, -1],
    "training.batch_size": [1],
    "training.learning_rate": [0.0, -0.1],
    "training.momentum": [-0.1, 1.0],
    "training.weight_decay": [-1e-4],
    "views.size": [0, 31],
    "views.scale": [[0.0, 1.0], [0.5, 0.2], [0.2, 1.1], [-0.2, 1.0]],
    "views.flip": [-0.1, 1.1],
    "views.jitter": [[1.1, 0.4, 0.4, 0.1], [0.4, -0.4, 0.4, 0.1], [0.4, 0.4, 0.4, 0.6], [0.4, 0.4, 0.4, -0.1]],
    "views.jitter_probability": [1.5],
    "views.grey": [-1.0],
    "views.blur": [[0.0, 0.0], [-0.1, 1.0], [1.0, 0.5], [0.1, 30.0]],
    "views.blur_probability": [2.0],
    "contrast.dimension": [0],
    "contrast.hidden": [0],
    "contrast.queue": [0, -64],
    "contrast.temperature": [0.0, -0.2],
    "contrast.key_momentum": [-0.1, 1.1],
    "contrast.norm_groups": [0],
    "lifting.align_size": [0],
    "lifting.hidden": [0],
    "lifting.blocks": [-1],
    "lifting.critic_hidden": [0],
    "lifting.critic_blocks": [-1],
    "lifting.critic_learning_rate": [0.0],
    "lifting.inv": [-0.5],
    "lifting.equiv": [-0.5],
    "lifting.adv": [-0.5],
}
BAD_CROPS = {"height": [0, 100], "min_keypoints": [-1, 18], "min_side": [-1.0], "h36m_stride": [0]}
BAD_H36M_PAIRS = {
    "view_angle": [[-1.0, 90.0], [90.0, 30.0], [0.0, 181.0]],
    "pose_gap": [[0, 5], [5, 1]],
    "most": [0],
    "seed": [-1],
}
BAD_SKELETONS = {
    "count": [0],
    "seed": [-1],
    "composition": ["local"],
    "length_ratio": [[0.0, 1.0], [1.1, 0.9]],
    "ranges.chained.nose.a": [[9.0, 3.0], [-400.0, 0.0]],
}
BAD_H36M = {
    "input_size": [0, 31],
    "epochs": [0],
    "batch_size": [1],
    "learning_rate": [0.0],
    "fraction": [0.0, -0.1, 1.1],
    "milestones": [[-1], [5, 5], [5, 3]],
    "milestone_factor": [0.0, 1.1],
    "norm_samples": [0, 1, 5],
    "gradient_clip": [0.0],
    "box_scale": [0.0],
    "depth_range_mm": [-2000.0],
    "flow_layers": [0],
    "flow_hidden": [0],
    "augmentation.scale_deviation": [-0.1],
    "augmentation.scale_limits": [[0.0, 1.0], [1.3, 0.7]],
    "augmentation.rotation_deviation": [-1.0],
    "augmentation.rotation_limit": [-1.0, 181.0],
    "augmentation.rotation_probability": [1.1],
    "augmentation.flip": [-0.1],
    "augmentation.channel_gain": [[0.0, 1.0], [1.2, 0.8]],
    "augmentation.occlusion": [-0.1, 1.1],
}
BAD_GENERATED = {
    "coco.seed": [-1],
    "coco.facing": [0, 181],
    "coco.train_scenes": [0],
    "coco.val_scenes": [0],
    "coco.width": [0, 47],
    "coco.height": [47],
    "h36m.seed": [-1],
    "h36m.frames_per_take": [0],
    "h36m.image_size": [31],
    "imagenet.seed": [-1],
    "imagenet.classes": [0],
    "imagenet.images_per_class": [0],
    "imagenet.image_size": [31],
}
CASES = [
    (cls, recipe, key, value)
    for cls, recipe, table in (
        (EncoderRecipe, DEMO.encoders["liftedcl_in_cc"], BAD_ENCODERS),
        (Crops, DEMO.crops, BAD_CROPS),
        (H36MPairs, DEMO.h36m_pairs, BAD_H36M_PAIRS),
        (Pictures, DEMO.pictures, {"size": [0]}),
        (Skeletons, DEMO.skeletons, BAD_SKELETONS),
        (H36M3D, DEMO.benchmarks["h36m_3d"], BAD_H36M),
        (Generated, DEMO.generated, BAD_GENERATED),
    )
    for key, values in table.items()
    for value in values
]


def changed(recipe, **changes):
    """A recipe as plain values, with some of them changed, by dotted key."""
    content = json.loads(to_json(recipe))
    for key, value in changes.items():
        *sections, name = key.split(".")
        inner = content
        for section in sections:
            inner = inner[section]
        assert name in inner
        inner[name] = value
    return json.dumps(content)


@pytest.mark.parametrize(
    ("cls", "recipe", "key", "value"), CASES, ids=[f"{cls.__name__}-{key}-{value}" for cls, _, key, value in CASES]
)
def test_a_value_that_cannot_be_names_its_key(cls, recipe, key, value):
    with pytest.raises(InputError) as error:
        read_recipe(cls, changed(recipe, **{key: value}))
    assert str(error.value).startswith(f"--recipe: {key}: "), error.value
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("profile", ["demo", "study", "paper"])
@pytest.mark.parametrize("more", ["params.yaml", "tests/tiny/tiny.yaml"])
def test_every_value_of_the_repository_is_accepted(profile, more):
    changes = {} if more == "params.yaml" else yaml.safe_load((REPOSITORY / more).read_text())
    if profile == "paper":
        changes.pop("generated", None)  # it has real data
    assert read_params(PARAMS, {"profile": profile, **changes}).profile == profile


def test_extremes_that_mean_something_are_accepted():
    extremes = {
        "training.momentum": 0.0, "training.weight_decay": 0.0, "views.scale": [1.0, 1.0],
        "views.blur_probability": 0.0, "contrast.key_momentum": 1.0, "lifting.blocks": 0, "lifting.inv": 0.0,
        "lifting.equiv": 0.0,
    }  # fmt: skip
    assert read_recipe(EncoderRecipe, changed(DEMO.encoders["liftedcl_in_cc"], **extremes)).lifting.inv == 0.0
    with pytest.raises(InputError, match=r"lifting\.inv"):
        read_recipe(EncoderRecipe, changed(DEMO.encoders["liftedcl_in_cc"], **extremes, **{"lifting.adv": 0.0}))


def test_no_blur_is_asked_for_by_its_probability():
    with pytest.raises(InputError, match=r"views\.blur: .*blur_probability: 0"):
        read_recipe(EncoderRecipe, changed(DEMO.encoders["moco_v2_in"], **{"views.blur": [0.0, 0.0]}))


def test_the_recipe_knows_the_backbones():
    assert tuple(BACKBONES) == NAMES


# ------------------------------------------------------------------------------------------- unreadable inputs
@pytest.mark.parametrize("content", [b"\x93NUMPY\xff\xfe\x00", b"\xff" * 100, b"[" * 100_000, b""])
def test_a_recipe_that_is_no_text_is_named(tmp_path, content):
    path = tmp_path / "encoder.pt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"encoder\.pt: not"):
        read_recipe(EncoderRecipe, str(path))


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOTDIR, "a file where a folder"), (errno.EISDIR, "a folder where a file"),
        (errno.EEXIST, "a file where"), (errno.ENAMETOOLONG, "choose a shorter one"), (errno.ELOOP, "in a circle"),
    ],
)  # fmt: skip
def test_an_unusable_path_ends_in_one_line(tmp_path, capsys, number, remedy):
    file = tmp_path / "file"
    file.touch()
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    actions = {
        errno.ENOTDIR: lambda: (file / "below" / "deeper").mkdir(parents=True),
        errno.EISDIR: lambda: tmp_path.read_bytes(),
        errno.EEXIST: lambda: file.mkdir(parents=True, exist_ok=True),
        errno.ENAMETOOLONG: lambda: (tmp_path / ("x" * 300)).write_text(""),
        errno.ELOOP: lambda: circle.read_text(),
    }
    with pytest.raises(OSError) as raised:
        actions[number]()
    assert raised.value.errno == number
    with pytest.raises(SystemExit) as ended:
        run_cli(actions[number])
    line = capsys.readouterr().err
    assert ended.value.code == 2
    assert line.startswith(f"error: {raised.value.filename}: ") and remedy in line and line.count("\n") == 1


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        ("images", "id", "Infinity"),
        ("annotations", "image_id", "Infinity"),
        ("annotations", "bbox", f"[0, 0, {'9' * 400}, 1]"),
        ("images", "width", "1e999"),
    ],
)
def test_coco_numbers_beyond_all_bounds_are_named(tmp_path, where, key, value):
    person = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 0, "num_keypoints": 17}
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9}],
        "annotations": [person],
        "categories": [{"id": 1, "name": "person"}],
    }
    content[where][0][key] = "BEYOND"
    (tmp_path / "train2017").mkdir()
    (tmp_path / "annotations").mkdir()
    path = tmp_path / "annotations" / "person_keypoints_train2017.json"
    path.write_text(json.dumps(content).replace('"BEYOND"', value))
    with pytest.raises(InputError, match=r"person_keypoints_train2017\.json: not in COCO's format"):
        read_people(tmp_path, "train")


def write_shard(path, images=3):
    with ShardWriter(path, 8, 6, ("file",)) as writer:
        for number in range(images):
            writer.append(np.zeros((8, 6, 3), np.uint8), (f"{number}.jpg",))


@pytest.mark.parametrize("change", [lambda meta: meta.pop("sha256"), lambda meta: meta.update(sha256=None)])
def test_a_shard_without_its_checksum_is_named(tmp_path, change):
    write_shard(tmp_path / "x.npy")
    meta = json.loads((tmp_path / "x.json").read_text())
    change(meta)
    (tmp_path / "x.json").write_text(json.dumps(meta))
    with pytest.raises(InputError, match=r"x\.json: does not describe a shard"):
        open_shard(tmp_path / "x.npy")


def test_no_index_without_pixels(tmp_path):
    (tmp_path / "x.npy").mkdir()  # what makes the last rename fail
    with pytest.raises(IsADirectoryError):
        write_shard(tmp_path / "x.npy")
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


@pytest.mark.parametrize(
    "array", [np.zeros((0, 17, 3), np.float32), np.full((2, 17, 3), np.nan), np.zeros((2, 17, 3), bool)]
)
def test_skeletons_that_teach_nothing_are_named(tmp_path, array):
    np.save(tmp_path / "skeletons.npy", array)
    with pytest.raises(InputError, match=r"skeletons\.npy: holds"):
        pretrain._read_skeletons(tmp_path / "skeletons.npy", {})


@pytest.mark.parametrize("number", [10**400, -(10**400), 2**63, 10**30])
@pytest.mark.parametrize("key", ["count", "seed", "length_ratio"])
def test_numbers_beyond_all_bounds_are_named(key, number):
    recipe = json.loads(to_json(DEMO.skeletons))
    recipe[key] = [1, number] if key == "length_ratio" else number
    with pytest.raises(InputError, match=rf"--recipe: {key}: the number is beyond 2\^63"):
        read_recipe(Skeletons, json.dumps(recipe))


def test_a_recipe_may_begin_with_a_mark_and_have_any_line_ends(tmp_path):
    text = to_json(DEMO.skeletons).replace(", ", ",\r\n")
    (tmp_path / "skeletons.json").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_recipe(Skeletons, str(tmp_path / "skeletons.json")) == DEMO.skeletons


def test_numbers_of_the_command_line_are_checked(tmp_path, monkeypatch):
    out = str(tmp_path / "out")
    with pytest.raises(InputError, match="--seed -1"):
        pretrain.main(["--recipe", to_json(PRETRAIN_ROWS["random"]), "--seed", "-1", "--out", out])
    words = ["--benchmark", "h36m_3d", "--recipe", to_json(TINY_H36M), "--encoder", "e.pt", "--backbone", "resnet18"]
    monkeypatch.setattr(sys, "argv", ["finetune", *words, "--data", "d", "--out", out, "--seed", "-1"])
    with pytest.raises(InputError, match="--seed -1"):
        finetune.main()
    monkeypatch.setattr(sys, "argv", ["finetune", *words, "--data", "d", "--out", out, "--workers", "-5"])
    with pytest.raises(InputError, match="--workers -5"):
        finetune.main()
    for workers in (-5, 0):
        with pytest.raises(InputError, match=f"--workers {workers}"):
            list(process_images(lambda item: item, [1], workers=workers, title="crop"))
    words = ["--recipe", "r", "--encoder", "e.pt", "--heads", "h.pt", "--images", "i.npy", "--out", out]
    monkeypatch.setattr(sys, "argv", ["lifted_figure", *words, "--count", "0"])
    with pytest.raises(InputError, match="--count 0"):
        lifted_figure.main()


def test_a_full_disk_under_the_skeletons_ends_in_one_line(tmp_path):
    """The limit on file sizes stands in for a full disk."""
    out, recipe = tmp_path / "skeletons.npy", tmp_path / "skeletons.json"
    recipe.write_text(to_json(DEMO.skeletons))
    code = (
        "import resource, runpy, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        f"sys.argv = ['prior', '--recipe', {str(recipe)!r}, '--out', {str(out)!r}]\n"
        "runpy.run_module('liftedcl.prior', run_name='__main__')"
    )
    environment = {**os.environ, "MPLCONFIGDIR": str(tmp_path / "matplotlib")}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 2, result.stderr
    assert f"error: {out}: File too large" in result.stderr
    assert "Traceback" not in result.stderr
    assert not out.exists()


def test_the_remedy_is_the_callers():
    module = build_backbone("resnet18_narrow")
    with pytest.raises(InputError, match=r"heads\.pt: is not the heads.*; name other heads$"):
        load_strictly(module, {}, "heads.pt", "the heads", "name other heads")
