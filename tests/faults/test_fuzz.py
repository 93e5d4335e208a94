"""Hundreds of damaged inputs to every reader and command; tests/fuzz says what may come of them.

`FUZZ_SEED` begins with other inputs than those that ran before.
"""

import os

import pytest
from fuzz.confined import fuzz
from fuzz.subjects import SUBJECTS

FIRST, INPUTS = int(os.environ.get("FUZZ_SEED", "0")), 200


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_damaged_input_ends_in_a_result_or_in_one_line(subject, tmp_path):
    print(f"{subject.name}: seeds {FIRST} to {FIRST + INPUTS - 1}")
    findings, ends = fuzz(subject, tmp_path / "fuzz", range(FIRST, FIRST + INPUTS))
    assert not findings, "\n".join(map(str, findings))
    assert ends["line"] > 0, f"no damage is noticed: {ends}"
