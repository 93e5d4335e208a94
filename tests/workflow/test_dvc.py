"""Snakemake's records travel with the outputs, and dvc.yaml follows all that Snakemake reads and makes.

Here with a toy of two rules, and dvc.yaml against a plan; tests/dvc runs both tools on the pipeline itself.
"""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from repository import REPOSITORY, copy_to, run

from liftedcl.identity.errors import InputError
from workflow.job_records import NAME, require_followed, restore, save
from workflow.metric_files import write_metric_files
from workflow.snakemake_internals import FORMAT, FORMAT_HERE

TOY = """
rule all:
    input: "results/table.csv"

rule first:
    input: "raw.txt"
    output: "runs/demo/first.txt", folder=directory("runs/demo/folder"),
    params: recipe=config.get("recipe", "a"),
    shell: "cat {input} > {output[0]}; mkdir -p {output.folder}; echo {params.recipe} > {output.folder}/one.txt"

rule second:
    input: "runs/demo/first.txt"
    output: "results/table.csv"
    shell: "cp {input} {output}"
"""


def snakemake(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--max-checksum-file-size", "1GB", *arguments]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout + process.stderr


def planned(folder, *arguments):
    return sorted(
        set(re.findall(r"^(?:local)?rule (first|second):", snakemake(folder, "-n", *arguments), re.MULTILINE))
    )


def known(folder):
    """How many outputs Snakemake has a record of."""
    return len(list((folder / ".snakemake/metadata").iterdir()))


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    (folder / "Snakefile").write_text(TOY)
    (folder / "raw.txt").write_text("raw\n")
    snakemake(folder)
    for place in ("runs/demo", "results"):
        save(Path(place), [folder], folder)
    return folder


@pytest.fixture
def toy(made_once, tmp_path):
    """The finished toy, for one test alone."""
    return shutil.copytree(made_once, tmp_path / "toy")


@pytest.fixture
def pulled(made_once, tmp_path):
    """Its files as `git clone` and `dvc pull` bring them: new times in any order, nothing of Snakemake's own."""
    hidden = shutil.ignore_patterns(".snakemake", ".snakemake_timestamp")
    folder = shutil.copytree(made_once, tmp_path / "clone", ignore=hidden, copy_function=shutil.copyfile)
    for seconds, name in enumerate(("results/table.csv", "runs/demo/first.txt", "runs/demo/folder/one.txt", "raw.txt")):
        os.utime(folder / name, (2_000_000_000 + seconds,) * 2)
    return folder


def test_pulled_outputs_are_fresh_and_react_to_an_edit_as_where_they_were_made(pulled):
    assert planned(pulled) != []  # so that the records have something to mend
    assert restore(pulled) == [] and known(pulled) == 3
    assert planned(pulled) == []
    (pulled / "raw.txt").write_text("other\n")
    assert restore(pulled) == [] and planned(pulled) == ["first", "second"]


def test_a_damaged_file_is_named_and_gets_no_record(pulled):
    (pulled / "runs/demo/first.txt").write_text("tampered\n")
    (pulled / "runs/demo/folder/one.txt").write_text("tampered\n")
    for name, line in zip(("first.txt", "folder"), restore(pulled), strict=True):
        assert line.startswith(f"warning: runs/demo/{name}: not what its job made")
    assert known(pulled) == 1 and "second" in planned(pulled)


def test_what_comes_in_a_second_pull_gets_its_records_then(pulled, tmp_path):
    shutil.move(pulled / "runs/demo/first.txt", tmp_path / "later.txt")
    assert restore(pulled) == [] and known(pulled) == 2
    shutil.move(tmp_path / "later.txt", pulled / "runs/demo/first.txt")
    assert restore(pulled) == [] and known(pulled) == 3


def test_what_dvc_checks_out_gets_its_records_again(toy, made_once):
    """`git checkout params.yaml` and `dvc checkout` after a run that DVC never saw."""
    snakemake(toy, "--config", "recipe=b")
    assert restore(toy) == [] and planned(toy, "--config", "recipe=b") == []
    shutil.rmtree(toy / "runs")
    shutil.copytree(made_once / "runs", toy / "runs", copy_function=shutil.copyfile)
    assert restore(toy) == [] and planned(toy) == []


def test_another_revision_brings_its_own_records_of_equal_files(toy, made_once):
    """first.txt is the same for every recipe, so that DVC would leave it as it is."""
    snakemake(toy, "--config", "recipe=b")
    save(Path("runs/demo"), [toy], toy)
    for name in (NAME, "folder/one.txt"):
        shutil.copyfile(made_once / "runs/demo" / name, toy / "runs/demo" / name)
    assert restore(toy) == [] and planned(toy) == []


def test_a_job_that_made_the_same_bytes_again_stays_done(toy):
    edited = TOY.replace("cp {input}", "cat {input} | tee").replace("| tee {output}", "> {output}")
    (toy / "Snakefile").write_text(edited)
    assert planned(toy) == ["second"]
    snakemake(toy)
    assert restore(toy) == [] and planned(toy) == []


def test_equal_jobs_give_equal_bytes_without_times(toy):
    first = (toy / "runs/demo" / NAME).read_bytes()
    snakemake(toy, "--forceall")
    save(Path("runs/demo"), [toy], toy)
    assert (toy / "runs/demo" / NAME).read_bytes() == first and b"time" not in first


def test_an_output_changed_by_hand_is_not_recorded_as_its_jobs(toy):
    (toy / "results/table.csv").write_text("better\n")
    with pytest.raises(InputError, match=r"results/table.csv: changed by something else than its job; `dvc checkout"):
        save(Path("results"), [toy], toy)
    (toy / "results/table.csv").unlink()
    snakemake(toy)
    save(Path("results"), [toy], toy)


def test_an_output_made_from_a_file_that_is_gone_is_not_recorded(toy):
    (toy / "runs/demo/first.txt").unlink()
    for place in ("results", "runs/demo"):  # the one holds what was made from it, the other would lose it
        with pytest.raises(InputError, match=r"runs/demo/first.txt: gone, and results/table.csv was made from it"):
            save(Path(place), [toy], toy)


def test_touched_outputs_are_recorded(toy):
    (toy / "results/table.csv").touch()
    assert len(save(Path("results"), [toy], toy)) == 1


def test_records_of_another_format_or_damaged_ones_are_refused_in_one_line(pulled):
    assert FORMAT == FORMAT_HERE  # another Snakemake: check `KEPT` against its MetadataRecord first
    file = pulled / "runs/demo" / NAME
    content = json.loads(file.read_text())
    job = content["jobs"][0]
    outputs = ({"outputs": value} for value in (5, ["a"], {"runs/demo/first.txt": 5}, {"/etc/x": ""}, {"../x": ""}))
    parts = (("rule", 5), ("input", 5), ("input", [5]), ("params", "a"), ("input_checksums", []), ("surplus", 1))
    edits = [*outputs, {"record": [1]}, {"record": {}}, *({"record": job["record"] | {name: of}} for name, of in parts)]
    for damage, named in (
        (json.dumps(content | {"record_format": 7}), "has record format 7, not 6; install the Snakemake"),
        (json.dumps({"record_format": 6}), "holds no records of jobs; `dvc checkout`"),
        (json.dumps([content]), "holds no records of jobs"),
        *((json.dumps(content | {"jobs": jobs}), "holds no records of jobs") for jobs in (5, [5], ["x"], [{}])),
        *((json.dumps(content | {"jobs": [job | edit]}), "holds no records of jobs") for edit in edits),
        (file.read_text()[:100], "not valid JSON"),
    ):
        file.write_text(damage)
        with pytest.raises(InputError, match=named):
            restore(pulled)


def test_what_is_remembered_of_records_may_be_damaged_too(pulled):
    restore(pulled)
    file = pulled / ".snakemake" / "job_records_seen.json"
    for damage in ("[]", '{"runs/demo/job_records.json": 5}', "{"):
        file.write_text(damage)
        with pytest.raises(InputError, match=r"job_records_seen.json: .*remove it"):
            restore(pulled)


def test_a_file_that_dvc_does_not_follow_is_named(toy):
    jobs = save(Path("runs/demo"), [toy], toy)
    with pytest.raises(InputError, match=r"raw.txt is read by rule first, but no stage depends on it"):
        require_followed(jobs, [toy / "runs"], toy)
    require_followed(jobs, [toy / "runs", toy / "raw.txt"], toy)


def test_what_no_stage_keeps_is_not_recorded(toy):
    """A page in results/, say, that was made beside the tables, from pictures that DVC doesn't keep either."""
    jobs = save(Path("results"), [toy / "results/other.csv", toy / "runs"], toy)
    assert jobs == [] and restore(toy) == [] and planned(toy) == []


def test_an_encoders_metrics_are_the_numbers_of_the_tables(tmp_path):
    for name, score in (("table1", "12.5"), ("table4", "")):
        of = {"title": name, "profile": "demo", "seeds": [0], "baseline": "random", "differences": []}
        of |= {"columns": {"ap": {"name": "AP", "unit": "%", "better": "up"}}, "rows": {"random": {}}}
        (tmp_path / f"{name}.provenance.json").write_text(json.dumps(of | {"table_made_with": {"commit": None}}))
        numbers = [f"ap{suffix}" for suffix in ("", "_std", "_difference", "_low", "_high", "_p")]
        texts = dict.fromkeys(("method", "pretraining", "seeds", "missing", "paper_says", "measured_here"), "")
        lines = [
            dict.fromkeys(numbers, "") | texts | {"profile": "demo", "row": row}
            for row in ("reference", "bound", "random")
        ]
        lines[2] |= {"ap": score, "ap_std": "1"}
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, lines[0])
            writer.writeheader()
            writer.writerows(lines)
    out = tmp_path / "metrics"
    out.mkdir()
    (out / "gone.json").write_text('{"table1": {"ap": 3.5}, "table4": {}}')
    tables = [tmp_path / "table1.csv", tmp_path / "table4.csv"]
    write_metric_files(tables, out)
    assert {file.name for file in out.iterdir()} == {"reference.json", "bound.json", "random.json"}
    assert json.loads((out / "random.json").read_text()) == {"table1": {"ap": 12.5}, "table4": {}}
    for content in ('{"my": "notes"}', "{}", "[]", "no JSON"):
        (out / "notes.json").write_text(content)
        (out / "random.json").write_text('{"table1": {"ap": 0}}')
        with pytest.raises(InputError, match=r"notes.json: "):
            write_metric_files(tables, out)
        assert (out / "notes.json").read_text() == content and '"ap": 0' in (out / "random.json").read_text()
    (out / "notes.json").unlink()
    tables[0].write_text("row\nrandom\n")
    with pytest.raises(InputError, match=r"table1.csv: not a table of this project, or damaged"):
        write_metric_files(tables, out)


@pytest.fixture(scope="module")
def stages():
    return yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]


def test_dvc_compares_every_section_that_decides_a_result(stages):
    sections = set(yaml.safe_load((REPOSITORY / "params.yaml").read_text())) - {"profiles", "cluster"}
    assert sections | {"profiles.${profile}"} == set(stages["runs"]["params"])


def test_dvc_keeps_and_follows_all_that_snakemake_makes_and_reads(stages, tmp_path):
    """Of a plan of all tables: outputs lie below an out of dvc.yaml, inputs below one or below a dependency."""
    status, plan = run(copy_to(tmp_path / "repository"), "-n", "tables")
    assert status == 0, plan
    inputs, outputs = (
        {Path(name) for line in re.findall(f"^ +{kind}: (.*)$", plan, re.MULTILINE) for name in line.split(", ")}
        for kind in ("input", "output")
    )
    assert len(outputs) > 500
    kept = {Path(next(iter(out)).replace("${profile}", "demo")) for stage in stages.values() for out in stage["outs"]}
    followed = kept | {Path(dep.replace("${profile}", "demo")) for stage in stages.values() for dep in stage["deps"]}
    assert not [name for name in outputs if not kept.intersection((name, *name.parents))]
    assert not [name for name in inputs if not followed.intersection((name, *name.parents))]
    own = {Path("results/metrics"), Path("results") / NAME}  # made by the stage's other commands
    of_results, made = ({name for name in names if name.parts[0] == "results"} for names in (kept, outputs))
    assert of_results - own == made
