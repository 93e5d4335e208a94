"""The device of a training job, and the settings that make its results reproducible bit for bit."""

import os

import cv2
import torch

from liftedcl.identity.errors import InputError


def prepare_device(threads: int) -> torch.device:
    """Set ``threads`` CPU threads and deterministic kernels; return the GPU if there is one, else the CPU.

    Each process of torchrun takes the GPU of its local rank. The sums of CPU kernels depend on the number of threads,
    which is therefore part of a run's identity.
    """
    if threads < 1:
        raise InputError(f"--threads {threads}: needs at least 1")
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # nothing here reads memory that it hasn't written
    if not torch.cuda.is_available():
        return torch.device("cpu")
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    if local_rank >= torch.cuda.device_count():
        raise InputError(f"torchrun: {torch.cuda.device_count()} GPUs are visible; lower --nproc-per-node")
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


def prefer_speed() -> None:
    """After `prepare_device`: a GPU's products of float32 are of TF32, and cuDNN tries its kernels and takes the best.

    Kernels stay deterministic, but which ones are taken depends on the times of the trial.
    """
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True


def full_precision(like: torch.Tensor) -> torch.autocast:
    """A context in which nothing is computed in 16 bits, for what such numbers are too coarse for."""
    return torch.autocast(like.device.type, enabled=False)
