"""results/provenance.json: from every cell over its run and encoders back to the first, each run once."""

import json

import pytest

from liftedcl.identity.errors import InputError
from workflow.all_provenance import all_provenance


def table(run, encoders):
    chain = {
        "run": run,
        "finetuning": {"of": run},
        "encoders": [{"run": encoder, "provenance": {"of": encoder}} for encoder in encoders],
    }
    return {
        "title": "a table", "profile": "demo", "seeds": [0], "baseline": "lifted", "differences": [], "references": {},
        "columns": {"mpjpe_mm": {"benchmark": "h36m_3d"}, "pa_mpjpe_mm": {"benchmark": "h36m_3d"}},
        "rows": {"lifted": {"h36m_3d": [chain]}},
    }  # fmt: skip


def test_every_cell_leads_back_to_the_first_encoder(tmp_path):
    paths = [tmp_path / "table4.provenance.json", tmp_path / "table7.provenance.json"]
    for path in paths:
        path.write_text(json.dumps(table("runs/h36m_3d/lifted", ["runs/lifted", "runs/moco"])))
    found = all_provenance(paths)
    assert list(found["tables"]) == ["table4", "table7"]
    for of in found["tables"].values():
        assert of["rows"] == {"lifted": {"mpjpe_mm": ["runs/h36m_3d/lifted"], "pa_mpjpe_mm": ["runs/h36m_3d/lifted"]}}
    place, walked = "runs/h36m_3d/lifted", []
    while place is not None:
        walked.append(place)
        assert found["runs"][place]["provenance"] == {"of": place}
        place = found["runs"][place]["from"]
    assert walked == ["runs/h36m_3d/lifted", "runs/lifted", "runs/moco"] and len(found["runs"]) == 3


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "table4.provenance.json").write_text('{"rows": {}}')
    with pytest.raises(InputError, match=r"table4\.provenance\.json: lacks "):
        all_provenance([tmp_path / "table4.provenance.json"])
