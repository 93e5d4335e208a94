"""The digests of code as a new process sees them: a process remembers what it has read."""

from liftedcl.identity import code_digest


def forget() -> None:
    """Let the next digest be made of what the files hold then."""
    for cached in (code_digest.path_of, code_digest._kept, code_digest._found_in, code_digest._imports):
        cached.cache_clear()
