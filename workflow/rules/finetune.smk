# Fine-tuning: one encoder and one benchmark, or a variant of it. A training writes its predictions. Scores and drawings
# are made from those by rules of their own, so an edit of a metric or of an overlay trains nothing.

from liftedcl.data_sets.mpii.files import ANNOTATIONS as MPII_PEOPLE


def benchmark_recipe(wildcards):
    return to_json(PARAMS.benchmarks[wildcards.run])


def mixed_in(run):
    """An input function: annotations of a second data set that ``run`` trains on."""
    mixed = getattr(PARAMS.benchmarks[run], "mpii", None)
    return data("mpii", MPII_PEOPLE["train"]) if mixed else lambda wildcards: []


ON_ONE_GPU = f"{GPU_SLOT} 1" if PARAMS.compute.gpus else ""

ABOUT = "--benchmark {params.benchmark} --recipe {params.recipe:q} --data {params.root:q}"  # in each command below

for benchmark, entry in BENCHMARKS.items():
    RUN = LAYOUT.benchmark("{run}", "{row}", "{seed}")
    PREDICTIONS = [f"{RUN}/{name}" for name in entry.predictions]
    VARIANTS = "|".join(run for run in PARAMS.benchmarks if benchmark_of(run) == benchmark)
    ROOT = PARAMS.data[entry.data.name]

    rule:
        name: f"train_{benchmark}"
        input:
            encoder=f"{ENCODER}/encoder.pt",
            beside_encoder=lambda wildcards: beside_encoder(wildcards.row, wildcards.seed),
            annotations=benchmark_data(benchmark),
            mixed_in=lambda wildcards: mixed_in(wildcards.run)(wildcards),
        output:
            expand("{folder}/{name}", folder=RUN, name=["trained.pt", "history.csv", "provenance.json"], allow_missing=True),
            *(name if Path(name).suffix else directory(name) for name in PREDICTIONS),
        wildcard_constraints: run=VARIANTS,
        params:
            recipe=benchmark_recipe, code=code_of(*finetune_modules(benchmark)), folder=RUN, benchmark=benchmark, root=ROOT,
            task=entry.task, threads=PARAMS.compute.threads, backbone=lambda wildcards: PARAMS.encoders[wildcards.row].backbone,
        log: f"{RUN}/log.txt",
        threads: PARAMS.compute.threads
        resources: **PARAMS.cluster.resources("finetune", gpus=min(PARAMS.compute.gpus, 1), before="short"),
        group: "finetuning"
        shell:
            "{ON_ONE_GPU} {PYTHON} -m downstream.finetune " + ABOUT +
            " --encoder {input.encoder:q} --backbone {params.backbone} --seed {wildcards.seed} --threads {params.threads}"
            " --workers {WORKERS} --out {params.folder:q} 2>&1 | tee {log:q}"

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
