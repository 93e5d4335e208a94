# What lifting networks learnt: their skeletons measured against true poses, as a table, and drawn.

import dataclasses

LIFTING_ROWS = [row for row, recipe in PARAMS.encoders.items() if lifts(recipe) and row in TABLE_ROWS]
LIFTING_ROW = next(iter(LIFTING_ROWS), None)  # whose first seed the figures show

TRUE_POSES = BENCHMARKS["h36m_3d"]


rule measure_lifting:
    input:
        encoder=f"{ENCODER}/encoder.pt",
        heads=f"{ENCODER}/heads.pt",
        beside_encoder=lambda wildcards: beside_encoder(wildcards.row, wildcards.seed),
        annotations=benchmark_data(TRUE_POSES.name),
    output: LAYOUT.lifting("{row}", "{seed}"), LAYOUT.lifting("{row}", "{seed}").replace(".json", ".provenance.json"),
    wildcard_constraints: row=rows_by(lifts),
    params:  # of the crops, the size alone counts here
        crops=to_json(dataclasses.replace(PARAMS.crops, min_keypoints=0, min_side=0.0, h36m_stride=1)),
        recipe=encoder_recipe, skeletons=to_json(PARAMS.skeletons), code=code_of("downstream.lifting"),
        root=PARAMS.data[TRUE_POSES.data.name],
    resources: **PARAMS.cluster.resources("short"),
    group: "figures"
    shell:
        "{PYTHON} -m downstream.lifting --recipe {params.recipe:q} --encoder {input.encoder:q} --heads {input.heads:q}"
        " --crops {params.crops:q} --skeletons {params.skeletons:q} --data {params.root:q} --out {output[0]:q}"


if LIFTING_ROW:
    LIFTING_RUN = LAYOUT.encoder(LIFTING_ROW, PARAMS.seeds[0])
    LIFTED_CROPS = {"figure5": 12, "figure8": 36}

    def lifting_scores(wildcards):
        """The scores below the figures; none where the true poses are missing, and then the figures say so."""
        needed = {TRUE_POSES.data.name: (*TRUE_POSES.needs.files, *TRUE_POSES.needs.pictures)}
        return [] if missing_data(PARAMS, needed) else LAYOUT.lifting(LIFTING_ROW, PARAMS.seeds[0])

    rule lifting:
        input: [LAYOUT.lifting(row, seed) for row in LIFTING_ROWS for seed in PARAMS.seeds],
        output:
            csv=report("results/lifting.csv", caption="../report/lifting.rst", category="Tables"),
            markdown="results/lifting.md",
        params:
            rows=LIFTING_ROWS, seeds=list(PARAMS.seeds), profile=LABEL, runs=LAYOUT.root,
            code=code_of("workflow.lifting"),
        localrule: True
        shell:
            "{PYTHON} -m workflow.lifting --rows {params.rows} --seeds {params.seeds} --profile {params.profile:q}"
            " --runs {params.runs:q} --out {output.csv:q}"

    rule lifted_skeletons:
        input:
            encoder=f"{LIFTING_RUN}/encoder.pt", heads=f"{LIFTING_RUN}/heads.pt", images=LAYOUT.packed("crops"),
            scores=lifting_scores,
        output: LAYOUT.figure("{figure}"),
        wildcard_constraints: figure="|".join(LIFTED_CROPS),
        params:
            recipe=to_json(PARAMS.encoders[LIFTING_ROW]), code=code_of("liftedcl.lifted_figure"),
            people=lambda wildcards: LIFTED_CROPS[wildcards.figure],
            scores=lambda wildcards, input: option("scores", input.get("scores")),
        resources: **PARAMS.cluster.resources("short"),
        group: "figures"
        shell:
            "{PYTHON} -m liftedcl.lifted_figure --recipe {params.recipe:q} --encoder {input.encoder:q}"
            " --heads {input.heads:q} --images {input.images:q} --count {params.people} {params.scores} --out {output:q}"

    rule lifting_progress:
        input:
            lifted=f"{LIFTING_RUN}/lifted.npz",
            images=[IMAGES[name] for name in PARAMS.encoders[LIFTING_ROW].images.split("+")],
        output: LAYOUT.figure("lifting_progress"),
        params: code=code_of("liftedcl.lifting_progress"),
        resources: **PARAMS.cluster.resources("short"),
        group: "figures"
        shell:
            "{PYTHON} -m liftedcl.lifting_progress --lifted {input.lifted:q} --images {input.images:q} --out {output:q}"
