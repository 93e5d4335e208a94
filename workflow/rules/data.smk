# Generated data, person crops, stage I pictures and sampled skeletons.

import dataclasses

from liftedcl.images.own_people import BOXES, listing_digest

FIRST = 2  # data takes every core and all else waits for it: begun late, it would wait for cores that stand idle
BODY = "synthetic/people/body.npz"
SHAPE_SETS = (
    "3dpw_test", "h36m_train_protocol1", "lsp_dataset_original_train", "mpii_train", "coco_2014_train", "hr-lspet_train",
    "mpi_inf_3dhp_train",
)
# What each generated data set writes last, so that where these files are the data are whole.
ANNOTATIONS = {
    "coco": [
        *expand("annotations/{kind}_{split}2017.json", kind=["person_keypoints", "instances"], split=["train", "val"]),
        "person_detection_results/COCO_val2017_detections_AP_H_56_person.json",
    ],
    "mpii": [*expand("annot/{split}.json", split=["train", "valid", "trainval", "test"]), "annot/gt_valid.mat"],
    "h36m": [
        *expand("annotations/Sample_{split}_Human36M_protocol_2.json", split=["trainmin_train", "64_test"]),
        *expand("annot/h36m_{split}.pkl", split=["train", "validation"]),
    ],
    "pw3d": [
        *expand("dataset_extras/{name}.npz", name=SHAPE_SETS),
        *expand("smpl/{name}.npz", name=["neutral", "male", "female", "smpl_mean_params"]),
        *expand("smpl/J_regressor_{name}.npy", name=["h36m", "extra"]),
    ],
    "lip": expand("{split}_id.txt", split=["train", "val"]),
    "imagenet": ["classes.json"],
}

for kind, names in ANNOTATIONS.items() if PARAMS.generated is not None else ():
    ROOT = generated_root(PARAMS.profile, kind)

    rule:
        name: f"generate_{kind}"
        input: BODY,
        output: expand("{root}/{name}", root=ROOT, name=names),
        params:
            recipe=to_json(getattr(PARAMS.generated, kind)), code=code_of(f"synthetic.{kind}"),
            kind=kind, root=ROOT,
        threads: PARAMS.cluster.data.cpus
        resources: **PARAMS.cluster.resources("data"),
        priority: FIRST
        shell:
            "{PYTHON} -m synthetic {params.kind} --recipe {params.recipe:q} --out {params.root:q}"
            " --workers {threads}"


rule crop_people:
    input: annotations=data("coco", COCO_PEOPLE),
    output:
        images=LAYOUT.crops,
        index=LAYOUT.crops.replace(".npy", ".csv"),
        report=LAYOUT.crops.replace(".npy", ".json"),
        sheet=LAYOUT.figure("figure6"),
    params:  # the stride is Human3.6M's: another one re-makes no crop of COCO
        recipe=to_json(dataclasses.replace(PARAMS.crops, h36m_stride=1)),
        code=code_of("liftedcl.crops"), root=PARAMS.coco,
    log: f"{LAYOUT.root}/logs/crops.log",
    threads: PARAMS.cluster.data.cpus
    resources: **PARAMS.cluster.resources("data"),
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.crops --recipe {params.recipe:q} --coco {params.root:q} --split train"
        " --out {output.images:q} --sheet {output.sheet:q} --workers {threads} 2>&1 | tee {log:q}"


rule crop_h36m:
    input: annotations=data("h36m", H36M_PEOPLE),
    output:
        images=LAYOUT.h36m_crops,
        index=LAYOUT.h36m_crops.replace(".npy", ".csv"),
        report=LAYOUT.h36m_crops.replace(".npy", ".json"),
    params:  # its boxes count no keypoints
        recipe=to_json(dataclasses.replace(PARAMS.crops, min_keypoints=0)),
        code=code_of("liftedcl.crops"), root=PARAMS.h36m,
    log: f"{LAYOUT.root}/logs/h36m_crops.log",
    threads: PARAMS.cluster.data.cpus
    resources: **PARAMS.cluster.resources("data"),
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.crops --recipe {params.recipe:q} --h36m {params.root:q}"
        " --out {output.images:q} --workers {threads} 2>&1 | tee {log:q}"


def own_pictures(wildcards):  # snakemake compares no parameter that depends on the input
    """What changes with the pictures; where boxes tell which are read, nothing does, as in COCO."""
    return "" if Path(PARAMS.people, BOXES).exists() else listing_digest(PARAMS.people)


rule crop_own_people:
    input: boxes=data("people", optional=(BOXES,)),
    output:
        images=LAYOUT.people_crops,
        index=LAYOUT.people_crops.replace(".npy", ".csv"),
        report=LAYOUT.people_crops.replace(".npy", ".json"),
        sheet=LAYOUT.figure("people_crops"),
    params:
        recipe=to_json(dataclasses.replace(PARAMS.crops, h36m_stride=1)),
        code=code_of("liftedcl.crops"), root=PARAMS.people,
        pictures=own_pictures,
    log: f"{LAYOUT.root}/logs/people_crops.log",
    threads: PARAMS.cluster.data.cpus
    resources: **PARAMS.cluster.resources("data"),
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.crops --recipe {params.recipe:q} --people {params.root:q}"
        " --out {output.images:q} --sheet {output.sheet:q} --workers {threads} 2>&1 | tee {log:q}"


rule pack_pictures:
    input: data("imagenet", *(["classes.json"] if is_generated(PARAMS, "imagenet") else [])),
    output:
        images=LAYOUT.pictures,
        index=LAYOUT.pictures.replace(".npy", ".csv"),
        report=LAYOUT.pictures.replace(".npy", ".json"),
    params: recipe=to_json(PARAMS.pictures), code=code_of("liftedcl.pictures"), root=PARAMS.imagenet,
    log: f"{LAYOUT.root}/logs/pictures.log",
    threads: PARAMS.cluster.data.cpus
    resources: **PARAMS.cluster.resources("data"),
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.pictures --recipe {params.recipe:q} --imagenet {params.root:q} --split train"
        " --out {output.images:q} --workers {threads} 2>&1 | tee {log:q}"


rule sample_skeletons:
    output:
        skeletons=LAYOUT.skeletons,
        figure=LAYOUT.figure("figure7"),
    params: recipe=to_json(PARAMS.skeletons), code=code_of("liftedcl.prior"),
    resources: **PARAMS.cluster.resources("short"),
    shell:
        "{PYTHON} -m liftedcl.prior --recipe {params.recipe:q} --out {output.skeletons:q} --figure {output.figure:q}"
