"""Damaged input to every reader and command: a clean result or one clear line, never another result without a word.

`FUZZ_INPUTS` is the number of inputs to each, a few by default and 200 in `make test-fuzz`, and `FUZZ_SEED` the first
one. A message names the seed, and where its input is kept.
"""

import os

import pytest
from fuzz.confined import fuzz
from fuzz.subjects import SUBJECTS

FEW = 3
FIRST, INPUTS = int(os.environ.get("FUZZ_SEED", "0")), int(os.environ.get("FUZZ_INPUTS", FEW))


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_damaged_input_ends_in_a_result_or_in_one_line(subject, tmp_path):
    inputs = 1 if subject.slow and INPUTS == FEW else INPUTS
    findings, ends = fuzz(subject, tmp_path / "fuzz", range(FIRST, FIRST + inputs))
    assert not findings, "\n".join(map(str, findings))
    assert ends["line"] > 0 or inputs <= FEW, f"no damage is noticed: {ends}"
