"""The words below pictures: workflow/report/*.rst, which snakemake's report shows too."""

from pathlib import Path
from types import SimpleNamespace

_FOLDER = Path(__file__).resolve().parents[1] / "report"


def caption(name: str, **wildcards: str) -> list[str]:
    """Paragraphs of ``workflow/report/NAME.rst`` for a picture with these wildcards; none if there is no such file.

    The only markup that these files use are double backticks around code.
    """
    import jinja2  # what snakemake renders them with

    path = _FOLDER / f"{name}.rst"
    if not path.exists():
        return []
    template = jinja2.Template(path.read_text(encoding="utf-8"))
    text = template.render(snakemake=SimpleNamespace(wildcards=SimpleNamespace(**wildcards)))
    return [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n") if paragraph.strip()]
