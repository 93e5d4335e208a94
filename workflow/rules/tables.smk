# Tables: stored metrics -> csv, Markdown, LaTeX, a page, and the provenance of every cell; and pictures beside them.

TABLE_OF = main_tables(TABLES)  # a benchmark's metrics


def overview_of(row):
    return overview_tables(row, TABLES, PARAMS)


_NOTHING_TO_DRAW = {  # no row that is shown has what these figures show
    *(() if LIFTING_ROW else ("figure5", "figure8", "lifting_progress")),
    *(() if COMPLETING_ROWS else ("completion_progress",)),
    *(() if PAIRING_ROW else ("cross_attention",)),
}


def figures_of(table):
    return [f"results/{figure}.png" for figure in TABLES[table].figures if figure not in _NOTHING_TO_DRAW]


def metrics_of(wildcards):
    return [LAYOUT.benchmark(*run) + "/metrics.json" for run in TABLES[wildcards.table].runs(PARAMS.seeds)]


rule figure:
    input: LAYOUT.figure("{figure}"),
    output: report("results/{figure}.png", caption="../report/figure.rst", category="Figures"),
    wildcard_constraints: figure="|".join(FIGURES),
    localrule: True
    shell: "cp {input:q} {output:q}"


rule examples:
    input:
        lambda wildcards: LAYOUT.benchmark(
            overview_of(wildcards.row)[wildcards.benchmark].benchmark, wildcards.row, PARAMS.seeds[0]
        ) + "/examples.png",
    output: report("results/examples_{benchmark}_{row}.png", caption="../report/examples.rst", category="Predictions"),
    wildcard_constraints: benchmark="|".join(BENCHMARKS),
    localrule: True
    shell: "cp {input:q} {output:q}"


rule augmented_samples:
    input: LAYOUT.figure("augmented_{benchmark}"),
    output: report("results/augmented_{benchmark}.png", caption="../report/augmented.rst", category="Training samples"),
    wildcard_constraints: benchmark="|".join(BENCHMARKS),
    localrule: True
    shell: "cp {input:q} {output:q}"


rule overview:
    input:
        metrics=lambda wildcards: [
            LAYOUT.benchmark(table.benchmark, wildcards.row, PARAMS.seeds[0]) + "/metrics.json"
            for table in overview_of(wildcards.row).values()
        ],
        references=lambda wildcards: [
            LAYOUT.reference(table.benchmark) for table in overview_of(wildcards.row).values()
        ],
        examples=expand("results/examples_{benchmark}_{row}.png", benchmark=TABLE_OF, allow_missing=True),
        augmented=expand("results/augmented_{benchmark}.png", benchmark=TABLE_OF),
    output:
        csv=report("results/benchmarks_{row}.csv", caption="../report/overview.rst", category="Tables"),
        markdown="results/benchmarks_{row}.md",
    params:
        tables=lambda wildcards: [to_json(table) for table in overview_of(wildcards.row).values()],
        code=code_of("workflow.overview"), seed=PARAMS.seeds[0], profile=LABEL, runs=LAYOUT.root,
    localrule: True
    shell:
        "{PYTHON} -m workflow.overview --tables {params.tables:q} --row {wildcards.row} --seed {params.seed}"
        " --profile {params.profile:q} --runs {params.runs:q} --out {output.csv:q}"


rule table:
    input:
        metrics=metrics_of,
        references=lambda wildcards: [LAYOUT.reference(name) for name in TABLES[wildcards.table].benchmarks],
        figures=lambda wildcards: figures_of(wildcards.table),
        style=repository_file("workflow/tables/html_page.css"),
    output:
        csv="results/{table}.csv",
        markdown="results/{table}.md",
        latex="results/{table}.tex",
        page=report("results/{table}.html", caption="../report/table.rst", category="Tables"),
        provenance="results/{table}.provenance.json",
    params:
        table=lambda wildcards: to_json(TABLES[wildcards.table]), code=code_of("workflow.tables.__main__"),
        seeds=list(PARAMS.seeds), profile=LABEL, runs=LAYOUT.root,
    wildcard_constraints: table="|".join(TABLES),
    localrule: True
    shell:
        "{PYTHON} -m workflow.tables --table {params.table:q} --profile {params.profile:q} --seeds {params.seeds}"
        " --runs {params.runs:q} --out {output.csv:q}"


rule provenance:
    input: expand("results/{table}.provenance.json", table=PAPER_TABLES),
    output: "results/provenance.json",
    params: code=code_of("workflow.all_provenance"),
    localrule: True
    shell: "{PYTHON} -m workflow.all_provenance --provenance {input:q} --out {output:q}"


rule efficiency_plot:
    input: csv="results/{table}.csv", provenance="results/{table}.provenance.json",
    output: report("results/{table}.png", caption="../report/data_efficiency.rst", category="Figures"),
    wildcard_constraints: table="data_efficiency|h36m_efficiency",
    params: code=code_of("workflow.efficiency_plot"),
    localrule: True
    shell: "{PYTHON} -m workflow.efficiency_plot {input.csv:q} --out {output:q}"


rule finetuning_curves:
    input:
        lambda wildcards: [
            LAYOUT.benchmark(row.run(wildcards.benchmark), row.encoder, PARAMS.seeds[0]) + "/history.csv"
            for row in TABLE_OF[wildcards.benchmark].rows
        ],
    output: report("results/curves_{benchmark}.png", caption="../report/curves.rst", category="Training curves"),
    wildcard_constraints: benchmark="|".join(BENCHMARKS),
    params: code=code_of("liftedcl.training_curves"),
    localrule: True
    shell: "{PYTHON} -m liftedcl.training_curves {input:q} --out {output:q}"


onerror:  # the tables that were asked for are made without the rows that failed
    for job in jobs_of_rule(workflow, "table"):
        table, seeds = TABLES[job.wildcards.table], list(PARAMS.seeds)
        try:
            if not missing_runs(table, seeds, LAYOUT):
                continue
            mark_incomplete(workflow, job)  # the next run makes it whole
            line = write_partial_table(table, profile=LABEL, seeds=seeds, layout=LAYOUT, out=Path(job.output.csv))
        except InputError as error:
            line = f"{job.output.csv}: {error}"
        print(line, file=sys.stderr)
