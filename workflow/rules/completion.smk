# What methods that complete masked images learnt: their completions during training, and where they look for help.

COMPLETING_ROWS = [row for row, recipe in PARAMS.encoders.items() if completes(recipe) and row in TABLE_ROWS]
PAIRING_ROW = next((row for row in COMPLETING_ROWS if PARAMS.encoders[row].pairs), None)  # whose attention is drawn

if COMPLETING_ROWS:

    rule completion_progress:
        input: [f"{LAYOUT.encoder(row, PARAMS.seeds[0])}/completed.npz" for row in COMPLETING_ROWS],
        output: LAYOUT.figure("completion_progress"),
        params: rows=COMPLETING_ROWS, code=code_of("liftedcl.completion_progress"),
        resources: **PARAMS.cluster.resources("short"),
        group: "figures"
        shell: "{PYTHON} -m liftedcl.completion_progress {input:q} --names {params.rows} --out {output:q}"


if PAIRING_ROW:
    PAIRING_RUN = LAYOUT.encoder(PAIRING_ROW, PARAMS.seeds[0])

    rule cross_attention:
        input:
            encoder=f"{PAIRING_RUN}/encoder.pt", heads=f"{PAIRING_RUN}/heads.pt",
            beside_encoder=beside_encoder(PAIRING_ROW, PARAMS.seeds[0]),
            annotations=benchmark_data(TRUE_POSES.name),
        output: LAYOUT.figure("cross_attention"),
        params:  # of the crops, the size alone counts here
            crops=to_json(dataclasses.replace(PARAMS.crops, min_keypoints=0, min_side=0.0, h36m_stride=1)),
            recipe=to_json(PARAMS.encoders[PAIRING_ROW]), code=code_of("downstream.cross_attention"),
            angles=list(PARAMS.h36m_pairs.view_angle or (0, 180)), root=PARAMS.data[TRUE_POSES.data.name],
        resources: **PARAMS.cluster.resources("short"),
        group: "figures"
        shell:
            "{PYTHON} -m downstream.cross_attention --recipe {params.recipe:q} --encoder {input.encoder:q}"
            " --heads {input.heads:q} --crops {params.crops:q} --angles {params.angles:q} --data {params.root:q}"
            " --out {output:q}"
