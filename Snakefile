# Targets and includes: a table of contents. WHAT is run is in params.yaml, paths are in workflow/layout.py.
from snakemake.utils import min_version

min_version("9.27")

workdir: workflow.basedir  # from a sub-folder everything is where it always is; `snakemake --directory FOLDER` wins

report: "workflow/report/workflow.rst"

include: "workflow/rules/plan.smk"

rule tables:  # the paper's
    default_target: True
    input: expand("results/{table}.csv", table=PAPER_TABLES), "results/provenance.json"

rule ablations:
    input: expand("results/{table}.csv", table=[name for name in ("table7", "table8", "table9") if name in TABLES])

rule drawings:  # predictions of every run of the paper's tables on some test images
    input:
        [
            LAYOUT.benchmark(*run) + "/examples.png"
            for table in PAPER_TABLES for run in TABLES[table].runs(PARAMS.seeds)
        ]

include: "workflow/rules/data.smk"
include: "workflow/rules/encoders.smk"
include: "workflow/rules/lifting.smk"
include: "workflow/rules/completion.smk"
include: "workflow/rules/finetune.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/report.smk"
