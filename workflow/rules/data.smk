# Generated data, person crops, stage I pictures and sampled skeletons.

import dataclasses

FIRST = 2  # data takes every core and all else waits for it: begun late, it would wait for cores that stand idle
if PARAMS.generated is not None:
    BODY = "liftedcl/synthetic/body.npz"

    rule generate_coco:
        input: BODY,
        output:
            expand(
                generated_root(PARAMS.profile, "coco") + "/annotations/{kind}_{split}2017.json",
                kind=["person_keypoints", "instances"], split=["train", "val"],
            ),
        params:
            recipe=to_json(PARAMS.generated.coco), code=code_digest("liftedcl.synthetic.coco"),
            root=generated_root(PARAMS.profile, "coco"),
        threads: 8
        priority: FIRST
        shell: "{PYTHON} -m liftedcl.synthetic coco --recipe {params.recipe:q} --out {params.root:q} --workers {threads}"

    rule generate_h36m:
        input: BODY,
        output:
            expand(
                generated_root(PARAMS.profile, "h36m") + "/annotations/Sample_{split}_Human36M_protocol_2.json",
                split=["trainmin_train", "64_test"],
            ),
        params:
            recipe=to_json(PARAMS.generated.h36m), code=code_digest("liftedcl.synthetic.h36m"),
            root=generated_root(PARAMS.profile, "h36m"),
        threads: 8
        priority: FIRST
        shell: "{PYTHON} -m liftedcl.synthetic h36m --recipe {params.recipe:q} --out {params.root:q} --workers {threads}"

    rule generate_imagenet:
        input: BODY,
        output: generated_root(PARAMS.profile, "imagenet") + "/classes.json"
        params:
            recipe=to_json(PARAMS.generated.imagenet), code=code_digest("liftedcl.synthetic.imagenet"),
            root=generated_root(PARAMS.profile, "imagenet"),
        threads: 8
        priority: FIRST
        shell: "{PYTHON} -m liftedcl.synthetic imagenet --recipe {params.recipe:q} --out {params.root:q} --workers {threads}"


rule crop_people:
    input: annotations=PARAMS.coco + "/annotations/person_keypoints_train2017.json",
    output:
        images=LAYOUT.crops,
        index=LAYOUT.crops.replace(".npy", ".csv"),
        report=LAYOUT.crops.replace(".npy", ".json"),
        sheet=LAYOUT.figure("figure6"),
    params:  # the stride is Human3.6M's: another one re-makes no crop of COCO
        recipe=to_json(dataclasses.replace(PARAMS.crops, h36m_stride=1)),
        code=code_digest("liftedcl.crops"), root=PARAMS.coco,
    log: f"{LAYOUT.root}/logs/crops.log",
    threads: 8
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.crops --recipe {params.recipe:q} --coco {params.root:q} --split train"
        " --out {output.images:q} --sheet {output.sheet:q} --workers {threads} 2>&1 | tee {log:q}"


rule crop_h36m:
    input: annotations=PARAMS.h36m + "/annotations/Sample_trainmin_train_Human36M_protocol_2.json",
    output:
        images=LAYOUT.h36m_crops,
        index=LAYOUT.h36m_crops.replace(".npy", ".csv"),
        report=LAYOUT.h36m_crops.replace(".npy", ".json"),
    params:  # its boxes count no keypoints
        recipe=to_json(dataclasses.replace(PARAMS.crops, min_keypoints=0)),
        code=code_digest("liftedcl.crops"), root=PARAMS.h36m,
    log: f"{LAYOUT.root}/logs/h36m_crops.log",
    threads: 8
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.crops --recipe {params.recipe:q} --h36m {params.root:q}"
        " --out {output.images:q} --workers {threads} 2>&1 | tee {log:q}"


rule pack_pictures:
    input: PARAMS.imagenet + "/classes.json" if is_generated(PARAMS, "imagenet") else [],
    output:
        images=LAYOUT.pictures,
        index=LAYOUT.pictures.replace(".npy", ".csv"),
        report=LAYOUT.pictures.replace(".npy", ".json"),
    params: recipe=to_json(PARAMS.pictures), code=code_digest("liftedcl.pictures"), root=PARAMS.imagenet,
    log: f"{LAYOUT.root}/logs/pictures.log",
    threads: 8
    priority: FIRST
    shell:
        "{PYTHON} -m liftedcl.pictures --recipe {params.recipe:q} --imagenet {params.root:q} --split train"
        " --out {output.images:q} --workers {threads} 2>&1 | tee {log:q}"


rule sample_skeletons:
    output:
        skeletons=LAYOUT.skeletons,
        figure=LAYOUT.figure("figure7"),
    params: recipe=to_json(PARAMS.skeletons), code=code_digest("liftedcl.prior"),
    shell:
        "{PYTHON} -m liftedcl.prior --recipe {params.recipe:q} --out {output.skeletons:q} --figure {output.figure:q}"
