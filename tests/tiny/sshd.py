"""A real sshd for one test: loopback only, its own keys and port, no password, ended with the test."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/user.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class Server:
    """Where it listens, the private key that it accepts, and the process."""

    port: int
    key: Path
    process: subprocess.Popen


def reason_to_skip() -> str | None:
    """What is missing for an SSH remote, or None."""
    if binary() is None or shutil.which("ssh-keygen") is None:
        return "no sshd here (Debian: apt-get install openssh-server)"
    try:
        import dvc_ssh  # noqa: F401
    except ImportError:
        return "DVC's ssh support is not installed (pip install 'dvc[ssh]')"
    return None


def binary() -> str | None:
    return shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Server]:
    """Run sshd with its files in ``folder`` until the block ends."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "sshd_config"
    config.write_text(_CONFIG.format(port=port, folder=folder))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd, as root, separates privileges
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([binary(), "-D", "-e", "-f", config], stderr=log)
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        yield Server(port, folder / "user", process)
    finally:
        process.terminate()
        process.wait()
