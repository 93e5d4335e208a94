"""A finished tiny run of table 4 for all tests that need one: made once for a state of the code, and then copied."""

import fcntl
import hashlib
import shutil

from repository import REPOSITORY, TABLE, TINY, copy_to, keep_rows, run

ROWS = ("random", "moco_v2_in", "moco_v2_in_cc", "liftedcl_in_cc")
EXAMPLES = "results/examples_h36m_3d_random.png"
_PLACE = REPOSITORY / ".pytest_cache" / "tiny_run"


def tiny_repository(folder):
    """A repository in which nothing has run yet, whose tables 1 to 6 have `ROWS`."""
    copy_to(folder)
    keep_rows(folder, ROWS)
    return folder


def finished_run(folder):
    """A copy, in ``folder``, of a repository after a run of table 4 and one sheet of predictions."""
    _PLACE.mkdir(parents=True, exist_ok=True)
    with open(_PLACE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the tests' processes wait for whichever makes it
        made = _PLACE / _state()
        if not made.exists():
            for other in _PLACE.iterdir():
                if other.is_dir():
                    shutil.rmtree(other)
            making = tiny_repository(_PLACE / "making")
            status, output = run(making, TABLE, EXAMPLES, *TINY)
            assert status == 0, output
            making.rename(made)
    return shutil.copytree(made, folder, symlinks=True)


def _state():
    """A hash of all that a run is made of."""
    packages = ("liftedcl", "downstream", "synthetic", "workflow")
    names = (*packages, "Snakefile", "params.yaml", "tests/tiny", "tests/repository.py")
    found = [REPOSITORY / name for name in names]
    files = [path for each in found for path in (each.rglob("*") if each.is_dir() else [each])]
    kept = sorted(path for path in files if path.is_file() and path.suffix != ".pyc")
    digest = hashlib.sha256()
    for path in kept:
        digest.update(f"{path.relative_to(REPOSITORY)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
