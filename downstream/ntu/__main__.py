"""NTU RGB+D by hand: check a data folder. ``python -m downstream.ntu check``."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from downstream.reading.data_check import Finding, check_command, problem
from liftedcl.data_sets.ntu.data_set import DATA_SET
from liftedcl.data_sets.ntu.files import LIST, depth_path, read_tags, video_path
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.files.image_header import BrokenImageError
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.images.ntu_people import Recording, alignments, read_depth, read_recording
from liftedcl.skeletons.common_joints import FROM_KINECT

_DECODED = 20  # recordings of which a depth map is decoded
_NAMED = 10
_FLESH_M = 0.25  # by which a joint may lie behind the surface that the sensor sees there


def check(root: Path) -> Iterator[Finding]:
    """Findings about the folder ``root``: every listed recording's files, all skeletons, some depth maps."""
    try:
        tags = read_tags(root)
    except InputError as error:
        yield problem(error)
        return
    fewest, most = DATA_SET.counts["recordings"]["train"]
    state = "ok" if fewest <= len(tags) <= most else "differs"
    yield Finding(state, f"{LIST}: {len(tags):,} recordings, the official release has {fewest:,} with skeletons")
    recordings, faults, lacking = [], [], []
    for tag in tags:
        try:
            recordings.append(read_recording(root, tag, 1))
        except InputError as error:
            faults.append(str(error))
            continue
        lacking += [str(path) for path in _needed(root, recordings[-1]) if not path.is_file()]
    for kind, found in (("broken", faults), ("missing", lacking)):
        if found:
            more = f", and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
            yield Finding(kind, "\n           ".join(found[:_NAMED]) + more)
    shown = [recording for recording in recordings if len(recording.frames)]
    if not shown:
        yield Finding("missing", f"{root}: no recording shows a body")
        return
    yield Finding("ok", f"skeletons: {len(recordings):,} read, {len(shown):,} show a body")
    try:
        found = alignments(root, shown).values()
    except InputError as error:
        yield problem(error)
    else:
        worst = max(one.median_px for one in found)
        least = min(one.share for one in found)
        yield Finding("ok", f"colour over depth: {len(found)} cameras, {least:.0%} of joints agree, {worst:.1f} px off")
    yield _depths(root, shown)


def _needed(root: Path, recording: Recording) -> list[Path]:
    frames = {0, recording.length - 1, *recording.frames[:1].tolist()} if recording.length else ()
    return [video_path(root, recording.tag), *(depth_path(root, recording.tag, frame) for frame in sorted(frames))]


def _depths(root: Path, recordings: list[Recording]) -> Finding:
    """Whether depth maps are in millimetres and belong to the skeletons: joints are just behind what is measured."""
    right, total = 0, 0
    for place in evenly_spread(len(recordings), _DECODED):
        recording = recordings[place]
        try:
            depth = read_depth(depth_path(root, recording.tag, int(recording.frames[0])))
        except BrokenImageError as error:
            return Finding("broken", f"{error.path}: {error}")
        joints = np.round(recording.depth_px[0, FROM_KINECT]).astype(int)
        inside = ((joints >= 0) & (joints < depth.shape[::-1])).all(axis=1) & recording.tracked[0, FROM_KINECT]
        seen = depth[joints[inside, 1], joints[inside, 0]] / 1000.0
        behind = recording.depths[0, FROM_KINECT][inside] - seen
        measured = seen > 0
        right += int((np.abs(behind[measured]) < _FLESH_M).sum())
        total += int(measured.sum())
    if total == 0 or right < 0.5 * total:
        return Finding(
            "broken", f"depth: at {right} of {total} joints it is that of the skeletons; other files or units"
        )
    return Finding("ok", f"depth: in mm, at {right} of {total} joints within {_FLESH_M:g} m of the skeletons'")


def main() -> None:
    check_command("ntu", "NTU RGB+D", check, "what is there, what is missing, what doesn't belong together")


if __name__ == "__main__":
    run_cli(main)
