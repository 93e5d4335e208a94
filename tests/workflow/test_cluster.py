"""What jobs ask a cluster for, and that GPU jobs of one machine never share a GPU. A real Slurm: tests/slurm."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from repository import REPOSITORY, TINY, copy_to, run, ungrouped

from liftedcl.identity.errors import InputError
from workflow.command_line import label_of
from workflow.gpu_slot import claim, gpus_here
from workflow.params import read_params

SIZES = read_params(REPOSITORY / "params.yaml").cluster
HOLD = "echo begin $CUDA_VISIBLE_DEVICES $(date +%s%N); sleep 0.15; echo end $CUDA_VISIBLE_DEVICES $(date +%s%N)"


@pytest.fixture(scope="module")
def planned_on_gpus(tmp_path_factory):
    """Output of a dry run of table 8 on four GPUs, with other sizes of jobs than those a finished job was made with."""
    copy = copy_to(tmp_path_factory.mktemp("cluster") / "repository")
    skeletons = "runs/demo/skeletons.npy"
    status, output = run(copy, skeletons, *TINY)
    assert status == 0, output
    short = "{memory: 1, runtime: 1, partition: tiny}"
    other = f"cluster={{account: us, short: {short}, data: {{cpus: 3}}, finetune: {{partition: a100}}}}"
    status, output = run(
        copy, "-n", "-p", skeletons, "results/table8.csv", *TINY, "--config", other, "compute={gpus: 4, threads: 2}"
    )
    assert status == 0, output
    return output


def resources(output, rule):
    """Resources and command of the first job of a rule in a dry run's output."""
    job = re.search(rf"^rule {rule}:\n((?:    .*\n)*)Shell command: (.*)", ungrouped(output), flags=re.MULTILINE)
    details, command = job.groups()
    line = re.search(r"resources: (.*)", details).group(1)
    return dict(pair.split("=") for pair in line.split(", ")), command


def test_a_job_that_is_there_is_not_run_again_for_another_size(planned_on_gpus):
    assert "rule crop_people:" in planned_on_gpus
    assert "rule sample_skeletons:" not in planned_on_gpus


def test_each_kind_of_job_asks_for_its_own_size(planned_on_gpus):
    data, _ = resources(planned_on_gpus, "crop_people")
    assert (data["cpus_per_task"], data["mem_mb"]) == ("3", str(SIZES.data.memory))
    assert data["slurm_account"] == "us"
    assert "gpu" not in data and "slurm_partition" not in data
    short, _ = resources(planned_on_gpus, "reference_h36m_3d")
    assert (short["mem_mb"], short["runtime"], short["slurm_partition"]) == ("1", "1", "tiny")
    finetune, _ = resources(planned_on_gpus, "train_h36m_3d")
    assert (finetune["gpu"], finetune["nodes"], finetune["slurm_partition"]) == ("1", "1", "a100")


def test_torchrun_gets_the_gpus_of_one_node_and_each_of_them_its_share(planned_on_gpus):
    asked, command = resources(planned_on_gpus, "pretrain")
    assert (asked["gpu"], asked["nodes"]) == ("4", "1")
    assert asked["cpus_per_task"] == str(4 * SIZES.pretrain.cpus)
    assert asked["mem_mb"] == str(4 * SIZES.pretrain.memory)
    assert "workflow.gpu_slot 4 " in command and "--nproc-per-node 4" in command


def test_a_fine_tuning_takes_one_gpu_of_its_own(planned_on_gpus):
    _, command = resources(planned_on_gpus, "train_h36m_3d")
    assert "workflow.gpu_slot 1 " in command


def test_scores_and_drawings_travel_with_their_training_and_ask_for_no_gpu(planned_on_gpus):
    """A submission takes one partition, and its run times add up: they must not exceed what any partition allows."""
    train, (score, _) = SIZES.resources("finetune", 1, before="short"), resources(planned_on_gpus, "score_h36m_3d")
    assert score["slurm_partition"] == "a100" and "gpu" not in score
    after = SIZES.resources("short", after="finetune")
    assert train["runtime"]({}, 99) + after["runtime"]({}, 99) <= SIZES.most_runtime


def test_what_is_tried_again_asks_for_more_up_to_the_most():
    asked = SIZES.resources("finetune")
    first, second, late = ({key: asked[key]({}, attempt) for key in ("mem_mb", "runtime")} for attempt in (1, 2, 99))
    assert second == {key: 2 * value for key, value in first.items()}
    assert late == {"mem_mb": SIZES.most_memory, "runtime": SIZES.most_runtime}


def test_sizes_are_no_change_of_a_tables_numbers():
    overrides = {"cluster": {"short": {"memory": 1}}}
    params = read_params(REPOSITORY / "params.yaml", overrides)
    assert params.cluster.short.memory == 1
    assert label_of(params, overrides) == params.profile


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ({"pretrain": {"memroy": 1}}, r"cluster\.pretrain\.memroy: unknown key; did you mean memory"),
        ({"short": {"runtime": 0}}, r"cluster\.short\.runtime: 0 is below 1"),
        ({"most_runtime": 90}, r"cluster\.data\.runtime: .* is above cluster\.most_runtime, 90"),
    ],
)
def test_a_size_that_cannot_be_is_named(cluster, message):
    with pytest.raises(InputError, match=message):
        read_params(REPOSITORY / "params.yaml", {"cluster": cluster})


def test_the_slurm_profile_keeps_what_the_default_one_promises():
    default, slurm = (
        yaml.safe_load((REPOSITORY / f"profiles/{name}/config.yaml").read_text()) for name in ("default", "slurm")
    )
    for option in default.keys() - {"cores", "resources"}:
        assert slurm[option] == default[option], option
    limited = [resource.split("=")[0] for resource in default["resources"]]
    assert slurm["set-resource-scopes"] == [f"{resource}=local" for resource in limited]


def test_the_slurm_profile_sizes_the_groups_that_rules_name():
    slurm = yaml.safe_load((REPOSITORY / "profiles/slurm/config.yaml").read_text())
    sized = {component.split("=")[0] for component in slurm["group-components"]}
    rules = "".join(path.read_text() for path in (REPOSITORY / "workflow/rules").glob("*.smk"))
    assert sized | {"finetuning"} == set(re.findall(r'group: "(\w+)"', rules))  # each fine-tuning is a group alone


class Slots:
    """Starts commands through the launcher, all on the same GPUs and locks."""

    def __init__(self, folder: Path):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
        self.environment = environment | {"TMPDIR": str(folder), "CUDA_VISIBLE_DEVICES": "0,1"}
        self.started: list[subprocess.Popen] = []

    def start(self, count, command, **variables):
        process = subprocess.Popen(
            [sys.executable, "-m", "workflow.gpu_slot", str(count), "bash", "-c", command],
            cwd=REPOSITORY, env=self.environment | variables, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.started.append(process)
        return process


@pytest.fixture
def slots(tmp_path):
    slots = Slots(tmp_path)
    yield slots
    for process in slots.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def test_six_jobs_on_two_gpus_never_overlap(slots):
    outputs = [job.communicate()[0] for job in [slots.start(1, HOLD) for _ in range(6)]]
    events = sorted((int(time), what, gpu) for o in outputs for what, gpu, time in re.findall(r"(\w+) (\d) (\d+)", o))
    assert len(events) == 12
    for gpu in "01":
        here = [what for _, what, name in events if name == gpu]
        assert here == ["begin", "end"] * (len(here) // 2), events


def test_jobs_of_two_gpus_get_both_or_wait(slots):
    outputs = [job.communicate(timeout=20)[0] for job in [slots.start(count, HOLD) for count in (2, 1, 2, 1)]]
    spans = [(gpus, int(begin), int(end)) for o in outputs for gpus, begin, end in
             re.findall(r"begin (\S+) (\d+)\nend \S+ (\d+)", o)]  # fmt: skip
    assert sorted(len(gpus.split(",")) for gpus, _, _ in spans) == [1, 1, 2, 2]
    for i, (gpus, begin, end) in enumerate(spans):
        for others, other_begin, other_end in spans[:i]:
            apart = end <= other_begin or other_end <= begin
            assert apart or not set(gpus.split(",")) & set(others.split(",")), spans


def test_a_killed_job_gives_its_gpus_back(slots):
    held = slots.start(2, "echo held; sleep 60")
    assert held.stdout.readline() == "held\n"
    waiting = slots.start(1, "echo got $CUDA_VISIBLE_DEVICES")
    assert "waiting for 1 of 2 GPUs" in waiting.stdout.readline()
    os.killpg(held.pid, signal.SIGKILL)
    assert waiting.communicate(timeout=10)[0].startswith("got ")


def test_what_slurm_assigned_is_left_alone(slots):
    held = slots.start(2, "echo held; sleep 60")
    assert held.stdout.readline() == "held\n"
    job = slots.start(1, "echo got $CUDA_VISIBLE_DEVICES", SLURM_JOB_ID="7", CUDA_VISIBLE_DEVICES="1")
    assert job.communicate(timeout=10)[0] == "got 1\n"


def test_jobs_inside_one_allocation_share_no_gpu(slots):
    jobs = [slots.start(1, "echo got $CUDA_VISIBLE_DEVICES; sleep 0.3", SLURM_JOB_ID="7") for _ in range(2)]
    assert {job.communicate(timeout=10)[0] for job in jobs} == {"got 0\n", "got 1\n"}


def test_more_gpus_than_there_are_is_one_line(slots):
    job = slots.start(3, "true")
    output, _ = job.communicate(timeout=10)
    assert job.returncode == 2
    assert re.fullmatch(r"error: params\.yaml: compute\.gpus: .*3 GPUs.*2 here.*\n", output)


@pytest.mark.parametrize("name", ["gpu-0", "choosing"])
def test_a_link_in_the_common_folder_is_not_followed(tmp_path, name):
    """Whoever makes the folder first could let a lock point to a file of the one who comes later."""
    thesis, folder = tmp_path / "thesis.tex", tmp_path / "locks"
    thesis.write_text("precious")
    folder.mkdir(mode=0o700)
    (folder / name).symlink_to(thesis)
    with pytest.raises(InputError, match=rf"locks/{name}: can't be the lock of a GPU"):
        claim(1, ["0"], folder)
    assert thesis.read_text() == "precious"


def test_no_two_gpus_share_a_lock(tmp_path, monkeypatch):
    """Whatever they are called, and however often one is named: nobody waits for a lock that they hold themselves."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "a/b,a_b,choosing,a_b,..")
    assert claim(4, gpus_here(), tmp_path / "locks") == ["a/b", "a_b", "choosing", ".."]


def test_locks_are_in_a_folder_that_nobody_else_can_write_to(tmp_path, monkeypatch):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    (tmp_path / "own").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "own")
    for name in ("shared", "link"):
        with pytest.raises(InputError, match=f"{name}: not a folder that only you can write to"):
            claim(1, ["0"], tmp_path / name)
    monkeypatch.setattr(os, "getuid", lambda: -1)
    with pytest.raises(InputError, match="own: not a folder that only you can write to"):
        claim(1, ["0"], tmp_path / "own")


def test_without_a_gpu_the_command_simply_runs(slots):
    job = slots.start(1, "echo ran", CUDA_VISIBLE_DEVICES="")
    assert (job.communicate(timeout=10)[0], job.returncode) == ("ran\n", 0)


def test_gpus_are_counted_by_the_driver(tmp_path, monkeypatch):
    fake = tmp_path / "nvidia-smi"
    fake.write_text("#!/bin/sh\necho 'GPU 0: A (UUID: GPU-1)'\necho '  MIG 1g: (UUID: MIG-1)'\necho 'GPU 1: A'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpus_here() == ("0", "1")
