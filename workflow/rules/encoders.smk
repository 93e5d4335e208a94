# Encoders: random, published, or pre-trained here. Each row and seed has one folder, with an encoder.pt.

ENCODER = LAYOUT.encoder("{row}", "{seed}")
IMAGES = {
    "coco": LAYOUT.packed("crops"), "imagenet": LAYOUT.packed("pictures"),
    **{name: LAYOUT.packed(f"{name}_crops") for name in ("h36m", "people", "mpii", "ntu")},
}

MADE_BESIDE = {"lifted.npz": lifts, "completed.npz": completes, "depth_encoder.pt": uses_depth}  # by which rows


def encoder_recipe(wildcards):
    return to_json(PARAMS.encoders[wildcards.row])


def encoder_code_of(wildcards):
    entry = method_of(PARAMS.encoders[wildcards.row])
    return code_of(*encoder_modules(entry), place=entry.place)


def images_of(wildcards):
    return [IMAGES[name] for name in PARAMS.encoders[wildcards.row].images.split("+")]


def pairs_of(wildcards):
    """The lists of pairs of a row's images, if its method reads them: beside the images, where it looks for them."""
    recipe = PARAMS.encoders[wildcards.row]
    return [LAYOUT.pairs(f"{name}_crops") for name in recipe.images.split("+")] if recipe.pairs else []


def modalities_of(wildcards):
    """The joints, and the depth, of a row's images, if its method reads them: beside the images as well."""
    recipe = PARAMS.encoders[wildcards.row]
    names = [Path(IMAGES[name]).stem for name in recipe.images.split("+")] if recipe.people else []
    depth = [LAYOUT.packed("ntu_crops.depth")] if names and "ntu" in recipe.images.split("+") else []
    return [*map(LAYOUT.modalities, names), *depth]


def beside_encoder(row, seed):
    """The other files that the rule of a row makes and that other jobs read.

    All jobs that read an encoder ask for these too: Snakemake compares no record of a job if one of its outputs was
    never made, so a row whose method changes to one that makes more files would be taken as up to date.
    """
    recipe = PARAMS.encoders[row]
    names = ["heads.pt", "history.csv"] if recipe.training else []
    names += [name for name, made in MADE_BESIDE.items() if made(recipe)]
    return [f"{LAYOUT.encoder(row, seed)}/{name}" for name in names]


def beside_start(wildcards):
    start = PARAMS.encoders[wildcards.row].start
    return beside_encoder(start, wildcards.seed) if start else []


def start_of(wildcards):
    start = PARAMS.encoders[wildcards.row].start
    return f"{LAYOUT.encoder(start, wildcards.seed)}/encoder.pt" if start else []


def option(name, values):
    """A command-line option, quoted for the shell, or nothing if there is no value."""
    return f"--{name} {quote(str(values))}" if values else ""


rule random_encoder:
    output: f"{ENCODER}/encoder.pt", f"{ENCODER}/provenance.json",
    wildcard_constraints: row=rows_by(lambda recipe: recipe.method == "random"),
    params: recipe=encoder_recipe, code=encoder_code_of, folder=ENCODER,
    resources: **PARAMS.cluster.resources("short"),
    group: "encoders"
    shell: "{PYTHON} -m liftedcl.pretrain --recipe {params.recipe:q} --seed {wildcards.seed} --out {params.folder:q}"


rule published_encoder:
    input: lambda wildcards: data("weights", SOURCES[PARAMS.encoders[wildcards.row].source].file)(wildcards),
    output: f"{ENCODER}/encoder.pt", f"{ENCODER}/provenance.json",
    wildcard_constraints: row=rows_by(lambda recipe: recipe.method == "published"),
    params:
        source=lambda wildcards: PARAMS.encoders[wildcards.row].source,
        backbone=lambda wildcards: PARAMS.encoders[wildcards.row].backbone,
        code=code_of("liftedcl.weights"),
    resources: **PARAMS.cluster.resources("short"),
    group: "encoders"
    shell:
        "{PYTHON} -m liftedcl.weights import {input:q} --source {params.source} --backbone {params.backbone}"
        " --out {output[0]:q}"


def own_file(wildcards):
    """The encoder file that a row names; an error in one line if it is missing."""
    file = PARAMS.encoders[wildcards.row].file
    if not Path(file).is_file():
        raise SystemExit(f"error: {file}: no such file; params.yaml: encoders.rows.{wildcards.row}.file names it")
    return file


use rule published_encoder as own_encoder with:
    input: own_file,
    wildcard_constraints: row=rows_by(lambda recipe: recipe.method == "own"),
    params:
        source="own",
        backbone=lambda wildcards: PARAMS.encoders[wildcards.row].backbone,
        code=code_of("liftedcl.weights"),


GPU_SLOT = f"{PYTHON} -m workflow.gpu_slot"  # COUNT COMMAND: on GPUs that no other job uses
# torchrun starts one process per GPU.
LAUNCH = PYTHON if PARAMS.compute.gpus < 2 else (
    f"{PYTHON} -m torch.distributed.run --standalone --nproc-per-node {PARAMS.compute.gpus}"
)
if PARAMS.compute.gpus:
    LAUNCH = f"{GPU_SLOT} {PARAMS.compute.gpus} {LAUNCH}"
COMPILE = "--compile" if PARAMS.compute.compile else ""
PRETRAINED = [f"{ENCODER}/{name}" for name in ("encoder.pt", "heads.pt", "history.csv", "provenance.json")]


rule pretrain:
    input:
        images=images_of,
        start=start_of,
        beside_start=beside_start,
        pairs=pairs_of,
        modalities=modalities_of,
        skeletons=lambda wildcards: LAYOUT.packed("skeletons") if lifts(PARAMS.encoders[wildcards.row]) else [],
    output: PRETRAINED,
    wildcard_constraints: row=rows_by(lambda recipe: recipe.training is not None and not any(made(recipe) for made in MADE_BESIDE.values())),
    params:
        recipe=encoder_recipe, code=encoder_code_of, folder=ENCODER, threads=PARAMS.compute.threads,
        start=lambda wildcards, input: option("start", input.get("start")),
        skeletons=lambda wildcards, input: option("skeletons", input.get("skeletons")),
    log: f"{ENCODER}/log.txt",
    threads: PARAMS.compute.threads
    priority: 1  # before fine-tunings, which no other training waits for
    resources: **PARAMS.cluster.resources("pretrain", gpus=PARAMS.compute.gpus),
    shell:
        "{LAUNCH} -m liftedcl.pretrain --recipe {params.recipe:q} --seed {wildcards.seed} --images {input.images:q}"
        " {params.start} {params.skeletons} --threads {params.threads} {COMPILE} --out {params.folder:q} 2>&1 | tee {log:q}"


use rule pretrain as pretrain_lifting with:
    output: *PRETRAINED, f"{ENCODER}/lifted.npz",
    wildcard_constraints: row=rows_by(lifts),


use rule pretrain as pretrain_completing with:
    output: *PRETRAINED, f"{ENCODER}/completed.npz",
    wildcard_constraints: row=rows_by(completes),


use rule pretrain as pretrain_depth with:
    output: *PRETRAINED, f"{ENCODER}/depth_encoder.pt",
    wildcard_constraints: row=rows_by(uses_depth),


rule pretrained:
    input:
        [
            [f"{LAYOUT.encoder(row, seed)}/encoder.pt", *beside_encoder(row, seed)]
            for row in TABLE_ROWS for seed in PARAMS.seeds
        ],
    localrule: True


CURVES = [  # of a profile that has no table 4, the rows of its first table
    f"{LAYOUT.encoder(row.encoder, PARAMS.seeds[0])}/history.csv"
    for row in TABLES.get("table4", next(iter(TABLES.values()))).rows
    if PARAMS.encoders[row.encoder].training is not None
]


rule training_curves:
    input: CURVES,
    output: LAYOUT.figure("training_curves"),
    params: code=code_of("liftedcl.training_curves"),
    resources: **PARAMS.cluster.resources("short"),
    group: "figures"
    shell: "{PYTHON} -m liftedcl.training_curves {input:q} --out {output:q}"


rule training_summary:
    input: CURVES,
    output: "results/training_summary.txt",
    params: code=code_of("liftedcl.training_summary"),
    localrule: True
    shell: "{PYTHON} -m liftedcl.training_summary {input:q} --out {output:q}"
