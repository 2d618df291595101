"""Files replaced in one step: whoever reads one finds the old content or the new."""

import shutil
from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """
    Make *data* the content of *path*; a link stays a link, permissions stay.

    Raises `OSError`, and then leaves the file as it was.
    """
    target = path.resolve()
    draft = target.with_name(f".{target.name}.new")
    try:
        draft.write_bytes(data)
        if target.exists():
            shutil.copymode(target, draft)
        draft.replace(target)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
