"""params.yaml's `cluster`: what a job asks a cluster for, by its kind. No result depends on it, and no job re-runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from liftedcl.identity.strict import require, require_at_least


@dataclass(frozen=True)
class JobSize:
    """What one job asks for, or each GPU of a training on several. ``memory`` in MB, ``runtime`` in minutes.

    A ``partition`` of None means the cluster's default.
    """

    cpus: int
    memory: int
    runtime: int
    partition: str | None

    def __post_init__(self) -> None:
        require_at_least(self, 1, "cpus", "memory", "runtime")


@dataclass(frozen=True)
class Cluster:
    """Sizes of the four kinds of jobs, and the account that pays for them (None: the cluster asks for no account).

    A job that is tried again asks for more, up to ``most_memory`` and ``most_runtime``: a job that asked for more than
    any node has, or than its partition allows, would wait forever without any message.
    """

    account: str | None
    most_memory: int
    most_runtime: int
    data: JobSize
    pretrain: JobSize
    finetune: JobSize
    short: JobSize

    def __post_init__(self) -> None:
        for kind in ("data", "pretrain", "finetune", "short"):
            size = getattr(self, kind)
            for what, most in (("memory", self.most_memory), ("runtime", self.most_runtime)):
                asked = getattr(size, what)
                require(asked <= most, f"{kind}.{what}", f"{asked} is above cluster.most_{what}, {most}")

    def resources(
        self, kind: str, gpus: int = 0, *, before: str | None = None, after: str | None = None
    ) -> dict[str, Any]:
        """The Snakemake resources of a job of this kind; memory and run time grow with its attempts.

        ``before`` or ``after`` names the kind of the job that shares a submission with this one. A submission asks for
        the sum of the run times, which must not exceed ``most_runtime``, and for one partition, the earlier job's.
        A cluster is asked for ``gpu``; the default profile counts ``local_gpu`` on a workstation. There are two of
        them, since Snakemake reads the default profile beside a cluster's too, and limits what that one counts.
        """
        size: JobSize = getattr(self, kind)
        share = max(gpus, 1)
        longest = size.runtime if after else self.most_runtime - (getattr(self, before).runtime if before else 0)
        partition = getattr(self, after or kind).partition
        return {
            "cpus_per_task": size.cpus * share,
            "mem_mb": _by_attempt(size.memory * share, self.most_memory),
            "runtime": _by_attempt(size.runtime, longest),
            **({"slurm_account": self.account} if self.account is not None else {}),
            **({"slurm_partition": partition} if partition is not None else {}),
            **({"gpu": gpus, "local_gpu": gpus, "nodes": 1} if gpus else {}),  # nodes: torchrun's GPUs share a machine
        }


def _by_attempt(first: int, most: int) -> Callable[..., int]:
    return lambda wildcards, attempt: min(first * attempt, most)
