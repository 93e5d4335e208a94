"""git, without what a hook or a shell has set for another repository, and without questions to anybody."""

import os
import subprocess

from liftedcl.identity.errors import InputError


def git(*arguments: str) -> str:
    """What ``git ARGUMENTS`` prints. Raises `InputError`: git can't be run, or refuses."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_TERMINAL_PROMPT"] = "0"  # nobody answers a question in the middle of a workflow
    try:
        done = subprocess.run(["git", *arguments], env=environment, check=True, capture_output=True)
        return os.fsdecode(done.stdout)
    except OSError as error:
        raise InputError(f"git can't be run ({error.strerror})") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"]
        reason = next((line for line in lines if line.startswith("fatal: ")), lines[0])
        raise InputError(f"git says: {reason.removeprefix('fatal: ')}") from None
