"""Does lifting lift? The measured lifted skeletons of several encoders as one table. No torch."""

import argparse
import csv
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from liftedcl.files.atomic import write_text
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.skeletons.lifting_scores import FOLLOWING, ONE_BODY, LiftingScores, read_lifting_scores
from workflow.layout import Layout
from workflow.tables.made_table import write_csv
from workflow.tables.recorded_runs import REMEDY
from workflow.tables.table_text import heading, markdown_row

TITLE = "Does lifting lift? Lifted skeletons beside true poses, Human3.6M's test people"

_EXPLAINED = f"""\
- PA-MPJPE is in mm of the true pose, to which each skeleton is turned, moved and scaled. Exchanged: each person gets
  another's skeleton. Skeletons that follow the people are nearer to their own person by at least {FOLLOWING:.0%}.
- The mean skeleton doesn't look at the image. It is made of the true poses of the training people, unlike any network.
- In range: the share of skeletons whose bones the prior could have sampled, at some size.
- Diversity: the mean distance between two people's skeletons, 1 for sampled ones; below {ONE_BODY:g} they are one body.
- Where a line comes from: lifting.provenance.json in the folder of its encoder.
"""


def lifting_records(measured: dict[tuple[str, int], LiftingScores], profile: str) -> list[dict[str, Any]]:
    """A line of lifting.csv for each row and seed of ``measured``."""
    return [
        {"profile": profile, "row": row, "seed": seed, **dataclasses.asdict(scores), "reading": scores.reading()}
        for (row, seed), scores in measured.items()
    ]


def shown(record: Mapping[str, Any]) -> dict[str, str]:
    """Column -> text of what is shown of a line of lifting.csv; its numbers may be texts."""
    errors = {"PA-MPJPE": "pa_mpjpe_mm", "mean skeleton": "mean_skeleton_mm", "exchanged": "exchanged_mm"}
    return {
        **{key: str(record[key]) for key in ("profile", "row", "seed", "people")},
        **{f"{name} (mm)": f"{float(record[key]):.1f}" for name, key in errors.items()},
        "in range": f"{float(record['bones_in_range']):.0%}",
        "diversity": f"{float(record['diversity']):.2f}",
        "reading": record["reading"],
    }


def read_shown(path: Path) -> list[dict[str, str]]:
    """`shown` of each line of ``path``, lifting.csv.

    Raises:
        InputError: the file is damaged.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [shown(record) for record in csv.DictReader(file, strict=True)]
        if not lines:
            raise ValueError("no row")
        return lines
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: not the table of lifted skeletons, or damaged ({error!r}); {REMEDY}") from None


def markdown(records: list[dict[str, Any]]) -> str:
    """The table, what its columns mean, and the same numbers of the true poses."""
    rows, first = [shown(record) for record in records], records[0]
    lines = [*heading(TITLE, first["profile"]), markdown_row(rows[0]), "|---|---|" + "---:|" * 7 + "---|"]
    lines += [markdown_row(row.values()) for row in rows]
    share, diversity = first["true_bones_in_range"], first["true_diversity"]
    true = f"- The true poses themselves: in range {share:.0%}, diversity {diversity:.2f}."
    return "\n".join([*lines, "", _EXPLAINED + true]) + "\n"


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.lifting",
        description="Make one table of lifting.json of several encoders, which python -m downstream.lifting measures.",
    )
    add = parser.add_argument
    add("--rows", nargs="+", required=True, help="rows of params.yaml that have a lifting network")
    add("--seeds", type=int, nargs="+", required=True, help="seeds of their runs")
    add("--profile", required=True, help="profile that was run")
    add("--runs", required=True, help="folder of the runs, such as runs/demo")
    add("--out", type=Path, required=True, help="csv to write; .md is written beside it")
    arguments = parser.parse_args(words)
    layout = Layout(arguments.runs)
    runs = [(row, seed) for row in arguments.rows for seed in arguments.seeds]
    measured = {run: read_lifting_scores(Path(layout.lifting(*run))) for run in runs}
    records = lifting_records(measured, arguments.profile)
    write_text(arguments.out.with_suffix(".md"), markdown(records))
    write_csv(arguments.out, records)


if __name__ == "__main__":
    run_cli(main)
