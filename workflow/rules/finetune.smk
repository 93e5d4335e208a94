# Fine-tuning: one encoder and one benchmark, or a variant of it. A training writes its predictions. Scores and drawings
# are made from those by rules of their own, so an edit of a metric or of an overlay trains nothing.

from downstream.reading.region_files import SHARD
from downstream.training.region_cut import cut_of
from liftedcl.data_sets.mpii.files import ANNOTATIONS as MPII_PEOPLE


def benchmark_recipe(wildcards):
    return to_json(PARAMS.benchmarks[wildcards.run])


def mixed_in(run):
    """An input function: annotations of a second data set that ``run`` trains on."""
    mixed = getattr(PARAMS.benchmarks[run], "mpii", None)
    return data("mpii", MPII_PEOPLE["train"]) if mixed else lambda wildcards: []


def sees_depth(wildcards):
    """Whether a run's images are depth maps and its row has an encoder of those, beside that of colour."""
    depth = getattr(PARAMS.benchmarks[wildcards.run], "input", None) == "depth"
    return depth and uses_depth(PARAMS.encoders[wildcards.row])


def encoder_of(wildcards):
    folder = LAYOUT.encoder(wildcards.row, wildcards.seed)
    return f"{folder}/{'depth_encoder.pt' if sees_depth(wildcards) else 'encoder.pt'}"


def backbone_of(wildcards):
    recipe = PARAMS.encoders[wildcards.row]
    return (recipe.multimodal.depth_backbone if sees_depth(wildcards) else None) or recipe.backbone


def cut_for(run):
    """The run, a benchmark or a variant of it, whose regions ``run`` trains on: the first whose cut is the same."""
    wanted = cut_of(PARAMS.benchmarks[run])
    same = (other for other in PARAMS.benchmarks if benchmark_of(other) == benchmark_of(run))
    return next(other for other in same if cut_of(PARAMS.benchmarks[other]) == wanted)


def regions(wildcards):
    """An input function: the packed regions that a run trains on, if its recipe has any."""
    if PARAMS.benchmarks[wildcards.run].regions is None:
        return []
    return [f"{LAYOUT.regions(cut_for(wildcards.run))}/{name}" for name in SHARD]


def regions_option(wildcards, input):  # what depends on the input is compared as an input, and not as a parameter
    return f"--regions {quote(str(Path(input.regions[0]).parent))}" if input.regions else ""


ON_ONE_GPU = f"{GPU_SLOT} 1" if PARAMS.compute.gpus else ""

ABOUT = "--benchmark {params.benchmark} --recipe {params.recipe:q} --data {params.root:q}"  # in each command below

for benchmark, entry in BENCHMARKS.items():
    RUN = LAYOUT.benchmark("{run}", "{row}", "{seed}")
    PREDICTIONS = [f"{RUN}/{name}" for name in entry.predictions]
    VARIANTS = "|".join(run for run in PARAMS.benchmarks if benchmark_of(run) == benchmark)
    ROOT = PARAMS.data[entry.data.name]

    if any(PARAMS.benchmarks[run].regions for run in VARIANTS.split("|")):

        rule:
            name: f"cut_{benchmark}"
            input: annotations=benchmark_data(benchmark), mixed_in=lambda wildcards: mixed_in(wildcards.run)(wildcards),
            output: expand("{folder}/{name}", folder=LAYOUT.regions("{run}"), name=SHARD, allow_missing=True),
            wildcard_constraints: run=VARIANTS,
            params:
                recipe=lambda wildcards: to_json(cut_of(PARAMS.benchmarks[wildcards.run])), benchmark=benchmark, root=ROOT,
                code=code_of("downstream.cut_regions", entry.module("regions")), folder=LAYOUT.regions("{run}"),
            log: f"{LAYOUT.root}/logs/regions_{{run}}.log",
            threads: PARAMS.cluster.data.cpus
            resources: **PARAMS.cluster.resources("data"),
            priority: FIRST
            shell:
                "{PYTHON} -m downstream.cut_regions --benchmark {params.benchmark} --recipe {params.recipe:q} --data {params.root:q}"
                " --out {params.folder:q} --workers {threads} 2>&1 | tee {log:q}"

    rule:
        name: f"train_{benchmark}"
        input:
            encoder=encoder_of,
            beside_encoder=lambda wildcards: beside_encoder(wildcards.row, wildcards.seed),
            annotations=benchmark_data(benchmark),
            mixed_in=lambda wildcards: mixed_in(wildcards.run)(wildcards),
            regions=regions,
        output:
            expand("{folder}/{name}", folder=RUN, name=["trained.pt", "history.csv", "provenance.json"], allow_missing=True),
            *(name if Path(name).suffix else directory(name) for name in PREDICTIONS),
        wildcard_constraints: run=VARIANTS,
        params:
            recipe=benchmark_recipe, code=code_of(*finetune_modules(benchmark)), folder=RUN, benchmark=benchmark, root=ROOT,
            task=entry.task, threads=PARAMS.compute.threads, backbone=backbone_of,
            regions=regions_option,
        log: f"{RUN}/log.txt",
        threads: PARAMS.compute.threads
        resources: **PARAMS.cluster.resources("finetune", gpus=min(PARAMS.compute.gpus, 1), before="short"),
        group: "finetuning"
        shell:
            "{ON_ONE_GPU} {PYTHON} -m downstream.finetune " + ABOUT +
            " --encoder {input.encoder:q} --backbone {params.backbone} --seed {wildcards.seed} --threads {params.threads}"
            " --workers {WORKERS} {params.regions} --out {params.folder:q} 2>&1 | tee {log:q}"

    rule:
        name: f"score_{benchmark}"
        input: PREDICTIONS, annotations=benchmark_data(benchmark),
        output: f"{RUN}/metrics.json", f"{RUN}/metrics.provenance.json",
        wildcard_constraints: run=VARIANTS,
        params: recipe=benchmark_recipe, code=code_of(*score_modules(benchmark)), folder=RUN, benchmark=benchmark, root=ROOT,
        log: f"{RUN}/score_log.txt"
        resources: **PARAMS.cluster.resources("short", after="finetune"),
        group: "finetuning"
        priority: 1  # before the next training: a table may be waiting for it
        shell: "{PYTHON} -m downstream.score " + ABOUT + " --run {params.folder:q} --out {output[0]:q} 2>&1 | tee {log:q}"

    rule:
        name: f"draw_{benchmark}"
        input: PREDICTIONS, annotations=benchmark_data(benchmark),
        output: f"{RUN}/examples.png",
        wildcard_constraints: run=VARIANTS,
        params:
            recipe=benchmark_recipe, code=code_of("downstream.draw", entry.module("drawings")), folder=RUN,
            benchmark=benchmark, root=ROOT,
        resources: **PARAMS.cluster.resources("short", after="finetune"),
        group: "finetuning"
        shell: "{PYTHON} -m downstream.draw " + ABOUT + " --run {params.folder:q} --out {output:q}"

    rule:
        name: f"reference_{benchmark}"
        input: benchmark_data(benchmark),
        output: LAYOUT.reference(benchmark),
        params:
            recipe=to_json(PARAMS.benchmarks[benchmark]), code=code_of("downstream.reference", entry.module("reference")),
            benchmark=benchmark, root=ROOT,
        resources: **PARAMS.cluster.resources("short"),
        group: "references"
        shell: "{PYTHON} -m downstream.reference " + ABOUT + " --out {output:q}"

    rule:
        name: f"augmented_{benchmark}"
        input: benchmark_data(benchmark), mixed_in(benchmark),
        output: LAYOUT.figure(f"augmented_{benchmark}"),
        params:
            recipe=to_json(PARAMS.benchmarks[benchmark]), code=code_of("downstream.augmented", entry.module("drawings")),
            benchmark=benchmark, root=ROOT,
        resources: **PARAMS.cluster.resources("short"),
        group: "references"
        shell: "{PYTHON} -m downstream.augmented " + ABOUT + " --out {output:q}"
