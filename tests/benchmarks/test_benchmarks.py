"""Every benchmark runs at its smoke size, where it checks its own correctness; and the table says what was measured."""

import functools
import gc
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny.data_of_benchmarks import DATA

from benchmarks import NAMES, align, ema, gpu, gpu_hours, loader_stall, report, runner
from benchmarks.parts import finetune_steps, generated, published
from benchmarks.recipes import PAPER
from downstream.registry import BENCHMARKS
from liftedcl.identity.errors import InputError


@pytest.fixture(autouse=True, scope="module")
def little_to_collect():
    """Garbage is collected before each repeat: of what is made from here on, not of all that is imported by now."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@functools.cache
def smoke(name: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        result = runner.run(name, smoke=True, out=Path(folder))
        assert json.loads((Path(folder) / f"{name}.json").read_text()) == result
    return result


@pytest.mark.parametrize("name", NAMES)
def test_a_smoke_run_is_correct_and_is_written(name, tiny_people):
    result = smoke(name)
    assert result["cases"]
    for case in result["cases"]:
        roles = [variant["role"] for variant in case["variants"]]
        assert roles.count("ours") == roles.count("published") == 1
        assert all(second > 0 for variant in case["variants"] for second in variant["seconds"])
    assert "mean nothing" in report.describe_result(result)


@pytest.mark.parametrize(
    ("run", "samples"),
    [("coco", 149_813), ("h36m_2d", 63_000), ("h36m_2d-mixed", 63_000 + 22_246), ("h36m_3d", 2 * 312_188)],
)
def test_an_epoch_counts_the_people_mixed_in(run, samples):
    assert gpu_hours.epoch_of(run.split("-")[0], PAPER.benchmarks[run]) == samples


@pytest.fixture
def tiny_people(monkeypatch):
    """The tests' data sets in place of generated ones, which take longer."""

    def write_data(data: str, root: Path, people: Any) -> Path:
        if not (root / data).exists():
            for write in {write for name, (write, _) in DATA.items() if BENCHMARKS[name].data.name == data}:
                write(root / data)
        return root / data

    for module in (generated, finetune_steps):
        monkeypatch.setattr(module, "write_data", write_data)


def test_the_gpu_script_runs_on_a_cpu(capsys, tmp_path, tiny_people):
    """All of it, with the step of every benchmark, in which the host reads no value from the device."""
    gpu.main(["--device", "cpu", "--smoke", "--out", str(tmp_path)])
    result = json.loads((tmp_path / "gpu.json").read_text())
    assert result["failures"] == []
    assert "2 resumed steps: largest difference of a loss | 0 " in capsys.readouterr().out
    steps = {case["name"]: case["figures"] for case in result["cases"] if case["name"].startswith("fine-tuning: ")}
    assert steps.keys() == {f"fine-tuning: {benchmark}" for benchmark in BENCHMARKS}
    for figures in steps.values():
        waits = next(figure["value"] for figure in figures if figure["name"] == "synchronisations in a step")
        assert waits == 0


def test_reading_a_value_is_a_synchronisation():
    values = torch.arange(4.0)
    with finetune_steps.synchronisations(cuda=False) as found:
        values * 2
        assert found == []
        float(values.sum()), values[values > 1]
    assert found == ["_local_scalar_dense", "index"]


def test_hours_are_counted_without_computing(tmp_path, tiny_people):
    """Of half as many operations a second in 32 bits; a frozen encoder's need no gradients."""
    whole, frozen = (
        gpu_hours.finetuning_cost(run, torch.device("cpu"), tmp_path) for run in ("h36m_3d", "h36m_3d-probe")
    )
    assert whole.pictures == 200 * 2 * 312_188 and whole.hours == pytest.approx(16.7, rel=0.01)
    assert 0.3 < frozen.hours / whole.hours < 0.4


def test_a_pre_training_that_sees_depth_and_joints_is_counted_too():
    colour, more = (gpu_hours.encoder_cost(row, torch.device("cpu")) for row in ("moco_v2_people", "hcmoco"))
    assert (colour.pictures, more.pictures) == (200 * 650_000, 100 * 650_000)
    assert more.step.seconds > 2 * colour.step.seconds, "two networks are trained, on views twice as large"


def test_one_broken_section_of_the_gpu_script_leaves_the_others(capsys, monkeypatch, tmp_path):
    def broken(bench):
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(gpu, "SECTIONS", (broken, gpu.card))
    with pytest.raises(SystemExit) as stop:
        gpu.main(["--device", "cpu", "--smoke", "--out", str(tmp_path)])
    assert stop.value.code == 1
    result = json.loads((tmp_path / "gpu.json").read_text())
    assert result["failures"] == [{"section": "broken", "error": "RuntimeError: no such kernel"}]
    assert [case["name"] for case in result["cases"]] == ["this card"]
    assert "no such kernel" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("words", [[], ["--device", "cpu"]])
def test_without_a_gpu_the_script_says_what_to_do(words):
    with pytest.raises(InputError, match="--device cpu"):
        gpu.main(words)


def a_case(seconds, check=lambda: None, **more):
    variants = [
        runner.Variant(role, role, iter(values).__next__)
        for role, values in zip((runner.OURS, runner.PUBLISHED), seconds, strict=True)
    ]
    return runner.Case(name="a case", variants=variants, items=10, unit="things", check=check, **more)


def test_ratios_are_taken_within_a_round():
    """A machine that slows down tenfold in the middle: the ratio is 3 all the same, and the warm-up doesn't count."""
    ours, theirs = [99.0, 1.0, 10.0, 10.0, 1.0, 1.0], [1.0, 3.0, 30.0, 30.0, 3.0, 3.0]
    found = runner.measure(a_case((ours, theirs)), repeats=5)
    slow = found["variants"][1]
    assert slow["ours_is_faster_by"] == {"low": 3.0, "median": 3.0, "high": 3.0}
    assert (found["variants"][0]["median"], slow["median"]) == (1.0, 3.0)


def test_a_wrong_variant_is_never_timed():
    def check():
        raise AssertionError("wrong gradient")

    with pytest.raises(AssertionError, match="wrong gradient"):
        runner.measure(a_case(((), ()), check), repeats=1)


def test_a_wrong_benchmark_ends_in_an_error_and_writes_nothing(monkeypatch, tmp_path):
    def check(*networks):
        raise AssertionError("other numbers")

    monkeypatch.setattr(ema, "check", check)
    with pytest.raises(AssertionError, match="other numbers"):
        runner.run("ema", smoke=True, out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_table_shows_goals_met_and_missed(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("above\n<!-- results: begin -->\nold\n<!-- results: end -->\nbelow\n")
    figures = [runner.Figure("memory", 7.0, "MiB", at_most=5.0), runner.Figure("speed", 7.0, "1/s", at_least=5.0)]
    cases = [
        runner.measure(a_case(([0.01] * 4, [0.05] * 4), goal=4.0, figures=lambda medians: figures), repeats=3),
        runner.measure(a_case(([0.01] * 4, [0.03] * 4), goal=4.0), repeats=3),
    ]
    environment = runner.describe_environment(0.0, "cpu", 0.0)
    result = {"benchmark": "ema", "smoke": False, "environment": environment, "cases": cases}
    (tmp_path / "ema.json").write_text(json.dumps(result))
    report.write_report(tmp_path, readme)
    text = readme.read_text()
    assert text.startswith("above\n") and text.endswith("below\n") and "old" not in text
    assert "1970-01-01" in text
    assert "| 10 ms, 1,000 things/s | published: 50 ms | 5x (5 to 5) | 4x, met |" in text
    assert "| 3x (3 to 3) | 4x, **missed** |" in text
    assert "7 MiB | at most 5, **missed** |" in text
    assert "7 1/s | at least 5, met |" in text
    report.write_report(tmp_path, readme)
    assert readme.read_text() == text

    (tmp_path / "ema.json").write_text("{")
    with pytest.raises(InputError, match=r"ema.json: not valid JSON.*python -m benchmarks ema"):
        report.write_report(tmp_path, readme)
    readme.write_text("no markers")
    (tmp_path / "ema.json").unlink()
    with pytest.raises(InputError, match="lacks the lines"):
        report.write_report(tmp_path, readme)


def test_the_readme_has_its_markers_and_names_every_benchmark():
    text = (report.FOLDER / "README.md").read_text()
    assert text.count("<!-- results: begin -->") == text.count("<!-- results: end -->") == 1
    assert all(f"| {name} |" in text for name in (*NAMES, "gpu"))


def test_the_published_alignment_is_off_by_rounding_only():
    """Where the shared area is whole cells without a flip, it interpolates exactly those cells."""
    from liftedcl.views.view_draw import Geometry

    view = Geometry(torch.tensor([[0.0, 0.0, 64.0, 64.0]]), torch.tensor([False]))
    features = torch.arange(64.0).view(1, 1, 8, 8)
    area = torch.tensor([[16.0, 8.0, 32.0, 32.0]])  # columns 2 to 5, rows 1 to 4
    assert torch.equal(published.align(features, view, area, 4), features[:, :, 1:5, 2:6])
    flipped = Geometry(view.boxes, torch.tensor([True]))
    assert torch.equal(published.align(features.flip(3), flipped, area, 4), features[:, :, 1:5, 2:6])
    nothing = torch.tensor([[80.0, 8.0, -16.0, 32.0]])
    assert not published.align(features, view, nothing, 4).any()


def test_memory_is_that_of_the_logits():
    """All logits of 1024 queries and 4096 keys are 16 MiB; cross-entropy holds several times that, ours a fraction."""
    figures = {figure["name"]: figure["value"] for figure in smoke("dense_nce")["cases"][0]["figures"]}
    assert figures["extra memory, all logits"] > 2 * 16
    assert 0 < figures["extra memory, ours"] < 8
    assert figures["gradient error against float64"] < 1e-6


def test_waiting_is_time_beyond_the_devices_own():
    def slow():
        import time

        for _ in range(4):
            time.sleep(0.02)
            yield None

    assert loader_stall.consume(iter(range(4)), 3, 0.02) == pytest.approx(0.06, abs=0.03)
    assert loader_stall.consume(slow(), 3, 0.02) >= 0.12


def test_pairs_for_alignment_are_random_and_on_the_device():
    torch.manual_seed(0)
    first, second = align.random_pair(8, torch.device("cpu"))
    assert first.boxes.shape == second.boxes.shape == (8, 4)
    assert not torch.equal(first.boxes, second.boxes)
