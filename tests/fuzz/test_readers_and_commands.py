"""Damaged input to every reader and command: a clean result or one clear line, and never another result without a word.

Some inputs each here, and hundreds in `make test-faults`. A message names the seed, and where its input is kept.
"""

import pytest
from fuzz.confined import fuzz
from fuzz.subjects import SUBJECTS

INPUTS = 3


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_damaged_input_ends_in_a_result_or_in_one_line(subject, tmp_path):
    findings, _ = fuzz(subject, tmp_path / "fuzz", range(1 if subject.slow else INPUTS))
    assert not findings, "\n".join(map(str, findings))
