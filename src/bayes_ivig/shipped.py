"""Where the evidence and model files are: inside the wheel, or at the top of the repository."""

import importlib.resources
from importlib.resources.abc import Traversable
from pathlib import Path


def shipped_folder(name: str) -> Traversable:
    """Return the shipped folder `name`: "data" or "models"."""
    inside = importlib.resources.files("bayes_ivig") / "_shipped" / name
    return inside if inside.is_dir() else Path(__file__).resolve().parents[2] / name
