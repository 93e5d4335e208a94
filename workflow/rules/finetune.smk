# Fine-tuning: one encoder and one benchmark -> metrics.json and the predictions they were computed from.

H36M_ANNOTATIONS = expand(
    PARAMS.h36m + "/annotations/Sample_{split}_Human36M_protocol_2.json", split=["trainmin_train", "64_test"]
)
H36M_3D = LAYOUT.benchmark("h36m_3d", "{row}", "{seed}")


rule finetune_h36m_3d:
    input: encoder=f"{ENCODER}/encoder.pt", annotations=H36M_ANNOTATIONS,
    output:
        f"{H36M_3D}/metrics.json", f"{H36M_3D}/predictions.npz",
        f"{H36M_3D}/history.csv", f"{H36M_3D}/provenance.json",
    params:
        recipe=to_json(PARAMS.benchmarks.h36m_3d), code=finetune_code("h36m_3d"),
        folder=H36M_3D, root=PARAMS.h36m, threads=PARAMS.compute.threads,
        backbone=lambda wildcards: PARAMS.encoders[wildcards.row].backbone,
    log: f"{H36M_3D}/log.txt",
    threads: PARAMS.compute.threads
    resources: gpu=PARAMS.compute.gpus,
    shell:
        "{PYTHON} -m downstream.finetune --benchmark h36m_3d --recipe {params.recipe:q} --encoder {input.encoder:q}"
        " --backbone {params.backbone} --data {params.root:q} --seed {wildcards.seed} --threads {params.threads}"
        " --workers {WORKERS} --out {params.folder:q} 2>&1 | tee {log:q}"


rule mean_pose:
    input: H36M_ANNOTATIONS,
    output: LAYOUT.reference("h36m_3d"),
    params: recipe=to_json(PARAMS.benchmarks.h36m_3d), code=code_digest("downstream.mean_pose"), root=PARAMS.h36m,
    shell: "{PYTHON} -m downstream.mean_pose --recipe {params.recipe:q} --data {params.root:q} --out {output:q}"
