"""Which files of a folder are images: one answer for commands, rules and checks. Imports neither OpenCV nor torch."""

import os
from dataclasses import dataclass, field
from pathlib import Path

SUFFIXES = (".jpg", ".jpeg", ".png")
"""Of images, in either case."""

ANY_IMAGE = "**/*.{jpg,jpeg,png}"
"""How descriptions of data sets write "an image in this folder or below it"."""

_NAMED = 5


def is_image(name: str) -> bool:
    """Whether a file of this name is an image. Hidden ones are previews and rubbish."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


@dataclass(frozen=True)
class Listing:
    """The images below a folder, by relative path, and the relative paths of all that was left out, by kind."""

    images: list[Path]
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def note(self) -> str | None:
        """What was left out, in one line; None if nothing was."""
        if not self.left_out:
            return None
        parts = [f"{len(names):,} {kind} ({_some(names)})" for kind, names in sorted(self.left_out.items())]
        return f"left out {'; '.join(parts)}"


def list_images(root: Path) -> Listing:
    """The images in ``root`` and its folders. Hidden files and folders count for nothing, and links are not followed.

    Left out and named are linked folders, folders that can't be read, names that are not valid text, and other files.
    """
    images: list[Path] = []
    left_out: dict[str, list[str]] = {}

    def leave_out(kind: str, path: str) -> None:
        shown = os.fsencode(os.path.relpath(path, root)).decode(errors="backslashreplace")
        left_out.setdefault(kind, []).append(shown)

    def unreadable(error: OSError) -> None:
        leave_out("folders that can't be read", str(error.filename))

    for folder, subfolders, names in os.walk(root, onerror=unreadable):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in subfolders:
            if os.path.islink(os.path.join(folder, name)):
                leave_out("linked folders", os.path.join(folder, name))
        for name in names:
            path = os.path.join(folder, name)
            if name.startswith("."):
                continue
            if not is_image(name):
                leave_out(f"{Path(name).suffix.lower() or 'other'} files", path)
            elif not is_text(path):
                leave_out("images whose name is not valid UTF-8", path)
            else:
                images.append(Path(path))
    return Listing(sorted(images), {kind: sorted(paths) for kind, paths in left_out.items()})


def holds_image(root: Path) -> bool:
    """Whether there is an image in ``root`` or its folders; the first one ends the search."""
    for _, subfolders, names in os.walk(root):
        if any(map(is_image, names)):
            return True
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
    return False


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8, and so into an index or a message."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
