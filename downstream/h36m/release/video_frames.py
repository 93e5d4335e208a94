"""Cutting the frames out of Human3.6M's videos with ffmpeg, several videos at the same time."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from downstream.h36m.release.official import Metadata, View, read_poses, split_of, video_path, view_name
from downstream.h36m.shared.names import CAMERAS
from liftedcl.identity.errors import InputError

_KNOWN_BROKEN = {(11, "Directions", "54138969")}
"""Videos that are damaged in the distribution itself: (subject, name, camera)."""
_SHORTER = 0.02
"""Share of its poses that a video's end may lack: some videos are a few frames shorter than their pose files."""


@dataclass(frozen=True)
class FrameCutter:
    """Cuts views of ``official`` into folders below ``images``; ``strides`` are those of the splits, in frames."""

    ffmpeg: str
    official: Path
    images: Path
    metadata: Metadata
    strides: dict[str, int]

    def folder(self, view: View) -> Path:
        """Where a view's frames are; it exists only when all of them are there."""
        return self.images / view_name(view)

    def known_broken(self, view: View) -> bool:
        """Whether the distribution itself holds a damaged video of the view."""
        take, camera = view
        return (take[0], self.metadata.names[take], CAMERAS[camera - 1]) in _KNOWN_BROKEN

    def cut_all(self, views: list[View], total: int, workers: int) -> None:
        """Cut ``views``, the missing ones of ``total``, and print a line for each.

        Raises:
            InputError: at once when a file is missing, or poses and cameras don't match; for broken videos at the end.
        """
        self._clear()
        print(f"reading the poses of {len(views)} videos", flush=True)
        poses = {view: len(read_poses(self.official, self.metadata, view)) for view in views}
        broken, done, stopped = [], total - len(views), threading.Event()
        with ThreadPoolExecutor(workers) as pool:  # after the poses, whose reader forks: no thread may hold a lock then
            futures = {pool.submit(self._cut, view, poses[view], stopped.is_set): view for view in views}
            try:
                for future in as_completed(futures):
                    done, view = done + 1, futures[future]
                    what = f"[{done}/{total}] {view_name(view)} (S{view[0][0]} {self.metadata.names[view[0]]})"
                    try:
                        print(f"{what}: {future.result()} frames", flush=True)
                    except BrokenVideoError as error:
                        known = self.known_broken(view)
                        said = "left out, it is damaged in the distribution itself" if known else "left out for now"
                        print(f"{what}: {said}: {error}", flush=True)
                        broken += [] if known else [str(error)]
            except BaseException:  # an interruption too: no ffmpeg is left behind
                stopped.set()
                pool.shutdown(cancel_futures=True)
                raise
        self._clear()
        if broken:
            more = f", and {len(broken) - 1} more videos (above)" if len(broken) > 1 else ""
            raise InputError(
                f"{broken[0]}{more}; download it again and run the same command, which keeps the frames that are cut"
            )

    def _clear(self) -> None:
        """Remove what killed runs left, unless another process still writes to it."""
        for part in self.images.glob(".s_*.part"):
            shutil.rmtree(part, ignore_errors=True)

    def _cut(self, view: View, poses: int, stopped: Callable[[], bool]) -> int:
        """Write the frames of one video with ``poses``, all or none; returns how many."""
        name, video = view_name(view), video_path(self.official, self.metadata, view)
        stride = self.strides[split_of(view[0])]
        expected = -(-poses // stride)
        part = self.images / f".{name}.{os.getpid()}.part"  # a killed run's ffmpeg may still write to that run's
        part.mkdir(parents=True)
        try:
            said = self._run_ffmpeg(video, part, stride, expected, stopped)
            frames = sorted(part.iterdir())
            if len(frames) < 1 + int((poses - 1) * (1 - _SHORTER)) // stride:
                raise BrokenVideoError(f"{video}: gives {len(frames)} of {expected} frames ({said or 'it ends early'})")
            for n in reversed(range(len(frames))):  # from the last, so that the new name is never taken
                frames[n].rename(part / f"{name}_{1 + n * stride:06d}.jpg")
            part.rename(self.folder(view))
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return len(frames)

    def _run_ffmpeg(self, video: Path, folder: Path, stride: int, count: int, stopped: Callable[[], bool]) -> str:
        """Every ``stride``-th frame, from the first, at most ``count``, as numbered JPEGs; returns ffmpeg's last words.

        Frames are counted, not timed: new timestamps without gaps keep ffmpeg from repeating or dropping frames.
        """
        command = [
            *(self.ffmpeg, "-nostdin", "-loglevel", "error", "-threads", "1", "-i", str(video)),
            *("-vf", f"select=not(mod(n\\,{stride})),setpts=N/FRAME_RATE/TB", "-frames:v", str(count)),
            *("-qscale:v", "3", str(folder / "%08d.jpg")),
        ]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            while True:
                try:
                    _, said = process.communicate(timeout=0.2)
                    return " ".join(said.split())[-200:]
                except subprocess.TimeoutExpired:
                    if stopped():
                        process.kill()


class BrokenVideoError(Exception):
    """A video that gives fewer frames than it should. The message names it."""
