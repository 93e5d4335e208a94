# Fine-tuning: one encoder and one benchmark, or a variant of it -> metrics.json and the predictions it was computed from.


def benchmark_recipe(wildcards):
    return to_json(PARAMS.benchmarks[wildcards.run])


def mixed_in(wildcards):
    """Annotations of a second data set that the recipe trains on."""
    folder = getattr(PARAMS.benchmarks[wildcards.run], "mpii", None)
    if folder == PARAMS.mpii:
        return data("mpii", "annot/train.json")(wildcards)
    return f"{folder}/annot/train.json" if folder else []


ON_ONE_GPU = "{GPU_SLOT} 1 " if PARAMS.compute.gpus else ""  # a command of another text would re-run


for benchmark, entry in BENCHMARKS.items():
    RUN = LAYOUT.benchmark("{run}", "{row}", "{seed}")
    PREDICTIONS = f"{RUN}/{entry.predictions}"

    rule:
        name: f"finetune_{benchmark}"
        input:
            encoder=f"{ENCODER}/encoder.pt",
            beside_encoder=lambda wildcards: beside_encoder(wildcards.row, wildcards.seed),
            annotations=benchmark_data(benchmark),
            mixed_in=mixed_in,
        output:
            expand("{folder}/{name}", folder=RUN, name=["metrics.json", "examples.png", "history.csv", "provenance.json"],
                   allow_missing=True),
            PREDICTIONS if Path(PREDICTIONS).suffix else directory(PREDICTIONS),
        wildcard_constraints: run="|".join(run for run in PARAMS.benchmarks if benchmark_of(run) == benchmark),
        params:
            recipe=benchmark_recipe, code=finetune_code(benchmark), benchmark=benchmark,
            folder=RUN, root=getattr(PARAMS, entry.data), threads=PARAMS.compute.threads,
            backbone=lambda wildcards: PARAMS.encoders[wildcards.row].backbone,
        log: f"{RUN}/log.txt",
        threads: PARAMS.compute.threads
        resources: **PARAMS.cluster.resources("finetune", gpus=min(PARAMS.compute.gpus, 1)),
        shell:
            ON_ONE_GPU +
            "{PYTHON} -m downstream.finetune --benchmark {params.benchmark} --recipe {params.recipe:q}"
            " --encoder {input.encoder:q} --backbone {params.backbone} --data {params.root:q} --seed {wildcards.seed}"
            " --threads {params.threads} --workers {WORKERS} --out {params.folder:q} 2>&1 | tee {log:q}"

    rule:
        name: f"reference_{benchmark}"
        input: benchmark_data(benchmark),
        output: LAYOUT.reference(benchmark),
        params:
            recipe=to_json(PARAMS.benchmarks[benchmark]), code=code_digest("downstream.reference", entry.reference),
            benchmark=benchmark, root=getattr(PARAMS, entry.data),
        resources: **PARAMS.cluster.resources("short"),
        shell:
            "{PYTHON} -m downstream.reference --benchmark {params.benchmark} --recipe {params.recipe:q}"
            " --data {params.root:q} --out {output:q}"

    rule:
        name: f"augmented_{benchmark}"
        input: benchmark_data(benchmark),
        output: LAYOUT.figure(f"augmented_{benchmark}"),
        params:
            recipe=to_json(PARAMS.benchmarks[benchmark]), code=code_digest("downstream.augmented", entry.task),
            benchmark=benchmark, root=getattr(PARAMS, entry.data),
        resources: **PARAMS.cluster.resources("short"),
        shell:
            "{PYTHON} -m downstream.augmented --benchmark {params.benchmark} --recipe {params.recipe:q}"
            " --data {params.root:q} --out {output:q}"
