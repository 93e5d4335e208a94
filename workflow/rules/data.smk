# Generated data, person crops and pairs of them, stage I images and sampled skeletons.

import dataclasses

from liftedcl.images.own_people import BOXES, listing_digest
from liftedcl.images.own_pairs import PAIRS
from liftedcl.recipes.data_recipes import NtuPeople

FIRST = 2  # a data job takes every core and all else waits for it: begun late, it would wait while cores are idle
BODY = repository_file("synthetic/people/body.npz")

for kind, data_set in DATA_SETS.items():
    if not hasattr(PARAMS.generated, kind):
        continue
    ROOT = generated_root(PARAMS.profile, kind)

    rule:
        name: f"generate_{kind}"
        input: BODY,
        output: expand("{root}/{name}", root=ROOT, name=data_set.generated),
        params:
            recipe=to_json(getattr(PARAMS.generated, kind)), code=code_of(f"synthetic.{kind}"),
            kind=kind, root=ROOT,
        threads: PARAMS.cluster.data.cpus
        resources: **PARAMS.cluster.resources("data"),
        priority: FIRST
        shell:
            "{PYTHON} -m synthetic {params.kind} --recipe {params.recipe:q} --out {params.root:q}"
            " --workers {threads}"


def packed(name):
    """What a job that packs images writes: the images, which image is where, and a report."""
    images = LAYOUT.packed(name)
    return {"images": images, "index": images.replace(".npy", ".csv"), "report": images.replace(".npy", ".json")}


rule crop_people:
    input: annotations=data("coco", *DATA_SETS["coco"].pretraining.files),
    output:
        **packed("crops"),
        sheet=LAYOUT.figure("figure6"),
    params:  # the stride is Human3.6M's, so it must not re-make crops of COCO
        recipe=to_json(dataclasses.replace(PARAMS.crops, h36m_stride=1)),
        code=code_of("liftedcl.crops"), root=PARAMS.data["coco"],
    log: f"{LAYOUT.root}/logs/crops.log",
    threads: PARAMS.cluster.data.cpus
    resources: **PARAMS.cluster.resources("data"),
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.crops --recipe {params.recipe:q} --coco {params.root:q} --split train"
        " --out {output.images:q} --sheet {output.sheet:q} --workers {threads} 2>&1 | tee {log:q}"


rule crop_h36m:
    input:
        annotations=data(
            "h36m", *DATA_SETS["h36m"].pretraining.files, pictures=DATA_SETS["h36m"].pretraining.pictures
        ),
    output: **packed("h36m_crops"),
    params:  # Human3.6M's boxes come without numbers of keypoints
        recipe=to_json(dataclasses.replace(PARAMS.crops, min_keypoints=0)),
        code=code_of("liftedcl.crops"), root=PARAMS.data["h36m"],
    log: f"{LAYOUT.root}/logs/h36m_crops.log",
    threads: PARAMS.cluster.data.cpus
    resources: **PARAMS.cluster.resources("data"),
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.crops --recipe {params.recipe:q} --h36m {params.root:q}"
        " --out {output.images:q} --workers {threads} 2>&1 | tee {log:q}"


def own_pictures(wildcards):  # takes no input: Snakemake compares no parameter that depends on the input
    """A digest of the images' names and sizes; empty if boxes.json names the images, as annotations do for COCO."""
    return "" if Path(PARAMS.data["people"], BOXES).exists() else listing_digest(PARAMS.data["people"])


rule crop_own_people:
    input: boxes=data("people", optional=(BOXES,)),
    output:
        **packed("people_crops"),
        sheet=LAYOUT.figure("people_crops"),
    params:
        recipe=to_json(dataclasses.replace(PARAMS.crops, h36m_stride=1)),
        code=code_of("liftedcl.crops"), root=PARAMS.data["people"],
        pictures=own_pictures,
    log: f"{LAYOUT.root}/logs/people_crops.log",
    threads: PARAMS.cluster.data.cpus
    resources: **PARAMS.cluster.resources("data"),
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.crops --recipe {params.recipe:q} --people {params.root:q}"
        " --out {output.images:q} --sheet {output.sheet:q} --workers {threads} 2>&1 | tee {log:q}"


def paired(name):
    """What a job that lists the pairs of packed images writes: the pairs, a report, and some of them to look at."""
    pairs = LAYOUT.pairs(name)
    return {"pairs": pairs, "report": pairs.replace(".csv", ".json"), "sheet": LAYOUT.figure(f"{name}_pairs")}


rule pair_h36m:
    input: data("h36m", *DATA_SETS["h36m"].pretraining.files), **packed("h36m_crops"),
    output: **paired("h36m_crops"),
    params: recipe=to_json(PARAMS.h36m_pairs), code=code_of("liftedcl.pairs"), root=PARAMS.data["h36m"],
    log: f"{LAYOUT.root}/logs/h36m_pairs.log",
    resources: **PARAMS.cluster.resources("short"),
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.pairs --recipe {params.recipe:q} --h36m {params.root:q} --crops {input.images:q}"
        " --sheet {output.sheet:q} 2>&1 | tee {log:q}"


rule pair_own_people:
    input: data("people", PAIRS, optional=(BOXES,)), **packed("people_crops"),
    output: **paired("people_crops"),
    params: code=code_of("liftedcl.pairs"), root=PARAMS.data["people"],
    log: f"{LAYOUT.root}/logs/people_pairs.log",
    resources: **PARAMS.cluster.resources("short"),
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.pairs --people {params.root:q} --crops {input.images:q}"
        " --sheet {output.sheet:q} 2>&1 | tee {log:q}"


rule crop_mpii:
    input: data("mpii", *DATA_SETS["mpii"].pretraining.files),
    output: **packed("mpii_crops"),
    params:
        recipe=to_json(dataclasses.replace(PARAMS.crops, h36m_stride=1)),
        code=code_of("liftedcl.crops"), root=PARAMS.data["mpii"],
    log: f"{LAYOUT.root}/logs/mpii_crops.log",
    threads: PARAMS.cluster.data.cpus
    resources: **PARAMS.cluster.resources("data"),
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.crops --recipe {params.recipe:q} --mpii {params.root:q}"
        " --out {output.images:q} --workers {threads} 2>&1 | tee {log:q}"


def with_modalities(name):
    """What a job that says what packed images have beside their pixels writes: a list, a report, some to look at."""
    listed = LAYOUT.modalities(name)
    return {
        "modalities": listed, "modalities_report": listed.replace(".csv", ".json"),
        "sheet": LAYOUT.figure(f"{name}_modalities"),
    }


for kind, name in (("coco", "crops"), ("mpii", "mpii_crops")):

    rule:
        name: f"joints_{kind}"
        input: data(kind, *DATA_SETS[kind].pretraining.files), **packed(name),
        output: **with_modalities(name),
        params: code=code_of("liftedcl.modalities"), root=PARAMS.data[kind], kind=kind,
        log: f"{LAYOUT.root}/logs/{name}_modalities.log",
        resources: **PARAMS.cluster.resources("short"),
        priority: FIRST
        shell:
            "{PYTHON} -m liftedcl.modalities --{params.kind} {params.root:q} --crops {input.images:q}"
            " --sheet {output.sheet:q} 2>&1 | tee {log:q}"


rule pack_ntu:
    input: data("ntu", *DATA_SETS["ntu"].pretraining.files),
    output:
        **packed("ntu_crops"),
        **{f"depth_{key}": path for key, path in packed("ntu_crops.depth").items()},
        **with_modalities("ntu_crops"),
    params:
        recipe=to_json(NtuPeople(**dataclasses.asdict(PARAMS.ntu_people), height=PARAMS.crops.height, width=PARAMS.crops.width)),
        code=code_of("liftedcl.ntu"), root=PARAMS.data["ntu"],
    log: f"{LAYOUT.root}/logs/ntu_crops.log",
    threads: PARAMS.cluster.data.cpus
    resources: **PARAMS.cluster.resources("data"),
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.ntu --recipe {params.recipe:q} --data {params.root:q} --out {output.images:q}"
        " --sheet {output.sheet:q} --workers {threads} 2>&1 | tee {log:q}"


rule pack_pictures:
    input: data("imagenet", *(DATA_SETS["imagenet"].generated if is_generated(PARAMS, "imagenet") else ())),
    output: **packed("pictures"),
    params: recipe=to_json(PARAMS.pictures), code=code_of("liftedcl.pictures"), root=PARAMS.data["imagenet"],
    log: f"{LAYOUT.root}/logs/pictures.log",
    threads: PARAMS.cluster.data.cpus
    resources: **PARAMS.cluster.resources("data"),
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.pictures --recipe {params.recipe:q} --imagenet {params.root:q} --split train"
        " --out {output.images:q} --workers {threads} 2>&1 | tee {log:q}"


rule sample_skeletons:
    output:
        skeletons=LAYOUT.packed("skeletons"),
        figure=LAYOUT.figure("figure7"),
    params: recipe=to_json(PARAMS.skeletons), code=code_of("liftedcl.prior"),
    resources: **PARAMS.cluster.resources("short"),
    shell:
        "{PYTHON} -m liftedcl.prior --recipe {params.recipe:q} --out {output.skeletons:q} --figure {output.figure:q}"
