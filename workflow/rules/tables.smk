# Tables: stored metrics -> csv, Markdown and the provenance of every cell.


def metrics_of(wildcards):
    table = TABLES[wildcards.table]
    runs = [LAYOUT.benchmark(table.benchmark, row.encoder, seed) for row in table.rows for seed in PARAMS.seeds]
    return expand("{run}/metrics.json", run=runs)


rule figure:
    input: LAYOUT.figure("{figure}"),
    output: report("results/{figure}.png", caption="../report/figure.rst", category="Figures"),
    wildcard_constraints: figure="|".join(FIGURES),
    localrule: True
    shell: "cp {input:q} {output:q}"


rule table:
    input:
        metrics=metrics_of,
        reference=lambda wildcards: LAYOUT.reference(TABLES[wildcards.table].benchmark),
        figures=lambda wildcards: expand("results/{figure}.png", figure=TABLES[wildcards.table].figures),
    output:
        csv=report("results/{table}.csv", caption="../report/table.rst", category="Tables"),
        markdown="results/{table}.md",
        provenance="results/{table}.provenance.json",
    params:
        table=lambda wildcards: to_json(TABLES[wildcards.table]), code=code_digest("workflow.tables"),
        seeds=list(PARAMS.seeds), profile=LABEL, runs=LAYOUT.root,
    wildcard_constraints: table="|".join(TABLES),
    localrule: True
    shell:
        "{PYTHON} -m workflow.tables --table {params.table:q} --profile {params.profile:q} --seeds {params.seeds}"
        " --runs {params.runs:q} --out {output.csv:q}"
