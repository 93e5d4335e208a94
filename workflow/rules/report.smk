# Pages about all of the paper's tables: what the runs took, and one page to look at the results.

SHOWN_ROW = LIFTING_ROW or TABLE_ROWS[0]  # whose predictions are shown
CAPTIONS = ("augmented", "curves", "data_efficiency", "examples", "figure", "lifting", "run_times", "table")


rule run_times:
    input: expand("results/{table}.provenance.json", table=PAPER_TABLES),
    output:
        csv="results/run_times.csv",
        figure=report("results/run_times.png", caption="../report/run_times.rst", category="Run times"),
    params: code=code_of("workflow.run_times"),
    localrule: True
    shell: "{PYTHON} -m workflow.run_times --provenance {input:q} --out {output.csv:q}"


rule summary:  # of all that is in results/: tables beyond the paper's are shown if they exist
    input:
        tables=expand("results/{table}.{kind}", table=PAPER_TABLES, kind=["csv", "provenance.json"]),
        figures=sorted({figure for table in PAPER_TABLES for figure in figures_of(table)}),
        examples=expand("results/examples_{benchmark}_{row}.png", benchmark=TABLE_OF, row=SHOWN_ROW),
        others=expand("results/{kind}_{benchmark}.png", kind=["augmented", "curves"], benchmark=TABLE_OF),
        lifting="results/lifting.csv" if LIFTING_ROW else [],
        run_times="results/run_times.png",
        style=[repository_file(f"workflow/page/page.{kind}") for kind in ("css", "js")],
        captions=[repository_file(f"workflow/report/{name}.rst") for name in CAPTIONS],
    output: "results/index.html",
    params: code=code_of("workflow.page.__main__"),
    localrule: True
    shell: "{PYTHON} -m workflow.page"
