# Encoders: random, published, or pre-trained here. One folder a row and seed; all end in encoder.pt.

ENCODER = LAYOUT.encoder("{row}", "{seed}")
IMAGES = {"coco": LAYOUT.crops, "imagenet": LAYOUT.pictures}


def encoder_recipe(wildcards):
    return to_json(PARAMS.encoders[wildcards.row])


def encoder_code_of(wildcards):
    return encoder_code(PARAMS.encoders[wildcards.row].method)


def start_of(wildcards):
    start = PARAMS.encoders[wildcards.row].start
    return f"{LAYOUT.encoder(start, wildcards.seed)}/encoder.pt" if start else []


def option(name, values):
    """A command-line option, or nothing where there is no value."""
    return f"--{name} {values}" if values else ""


rule random_encoder:
    output: f"{ENCODER}/encoder.pt", f"{ENCODER}/provenance.json",
    wildcard_constraints: row=rows_by(lambda recipe: recipe.method == "random"),
    params: recipe=encoder_recipe, code=encoder_code_of, folder=ENCODER,
    shell: "{PYTHON} -m liftedcl.pretrain --recipe {params.recipe:q} --seed {wildcards.seed} --out {params.folder:q}"


rule published_encoder:
    input: lambda wildcards: f"{PARAMS.weights}/{SOURCES[PARAMS.encoders[wildcards.row].source].file}",
    output: f"{ENCODER}/encoder.pt", f"{ENCODER}/provenance.json",
    wildcard_constraints: row=rows_by(lambda recipe: recipe.method == "published"),
    params:
        source=lambda wildcards: PARAMS.encoders[wildcards.row].source,
        backbone=lambda wildcards: PARAMS.encoders[wildcards.row].backbone,
        code=code_digest("liftedcl.weights"),
    shell:
        "{PYTHON} -m liftedcl.weights import {input:q} --source {params.source} --backbone {params.backbone}"
        " --out {output[0]:q}"


rule pretrain:
    input:
        images=lambda wildcards: IMAGES[PARAMS.encoders[wildcards.row].images],
        start=start_of,
        skeletons=lambda wildcards: LAYOUT.skeletons if PARAMS.encoders[wildcards.row].lifting else [],
    output: f"{ENCODER}/encoder.pt", f"{ENCODER}/heads.pt", f"{ENCODER}/history.csv", f"{ENCODER}/provenance.json",
    wildcard_constraints: row=rows_by(lambda recipe: recipe.training is not None),
    params:
        recipe=encoder_recipe, code=encoder_code_of, folder=ENCODER, threads=PARAMS.compute.threads,
        start=lambda wildcards, input: option("start", input.get("start")),
        skeletons=lambda wildcards, input: option("skeletons", input.get("skeletons")),
    log: f"{ENCODER}/log.txt",
    threads: PARAMS.compute.threads
    resources: gpu=PARAMS.compute.gpus,
    shell:
        "{PYTHON} -m liftedcl.pretrain --recipe {params.recipe:q} --seed {wildcards.seed} --images {input.images:q}"
        " {params.start} {params.skeletons} --threads {params.threads} --out {params.folder:q} 2>&1 | tee {log:q}"


rule pretrained:
    input:
        expand(
            "{folder}/encoder.pt",
            folder=[LAYOUT.encoder(row, seed) for row in PARAMS.encoders for seed in PARAMS.seeds],
        ),
    localrule: True


# Figure 5 shows the first row that has a lifting network.
LIFTING_ROW = next((row for row, recipe in PARAMS.encoders.items() if recipe.lifting and recipe.lifting.adv > 0), None)

if LIFTING_ROW:

    rule lifted_skeletons:
        input:
            encoder=LAYOUT.encoder(LIFTING_ROW, PARAMS.seeds[0]) + "/encoder.pt",
            heads=LAYOUT.encoder(LIFTING_ROW, PARAMS.seeds[0]) + "/heads.pt",
            images=LAYOUT.crops,
        output: LAYOUT.figure("figure5"),
        params: recipe=to_json(PARAMS.encoders[LIFTING_ROW]), code=code_digest("liftedcl.lift"),
        shell:
            "{PYTHON} -m liftedcl.lift --recipe {params.recipe:q} --encoder {input.encoder:q} --heads {input.heads:q}"
            " --images {input.images:q} --out {output:q}"
