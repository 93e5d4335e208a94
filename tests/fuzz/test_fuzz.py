"""Damaged input to every reader and command: a clean result or one clear line, and never another result without a word.

Some inputs each here, and hundreds in `make test-faults`. A message names the seed, and where its input is kept.
"""

import pytest
from fuzz.benchmarks import SHARED
from fuzz.confined import fuzz
from fuzz.data_sets import DATA_SETS
from fuzz.encoders import ENCODERS
from fuzz.tables import WORKFLOW

SUBJECTS = (*DATA_SETS, *ENCODERS, *SHARED, *WORKFLOW)
INPUTS = 12


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_damaged_input_ends_in_a_result_or_in_one_line(subject, tmp_path):
    check(subject, tmp_path, range(INPUTS))


def check(subject, folder, seeds):
    """No input of ``seeds`` does anything wrong, and the damage is noticed at all."""
    findings, ends = fuzz(subject, folder / "fuzz", seeds)
    assert not findings, "\n".join(map(str, findings))
    assert ends["line"] > 0, f"no damage is noticed: {ends}"
