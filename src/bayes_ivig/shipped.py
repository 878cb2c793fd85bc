"""Where the evidence and model files are: inside the wheel, or at the top of the repository."""

from pathlib import Path


def shipped_folder(name: str) -> Path:
    """Return the shipped folder `name`: "data" or "models"."""
    here = Path(__file__).resolve()
    inside = here.parent / "_shipped" / name
    return inside if inside.is_dir() else here.parents[2] / name
