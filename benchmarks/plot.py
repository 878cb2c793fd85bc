"""The plot of the benchmarks: error against time of both engines, and how long other programs take."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

from bayes_ivig.plots.style import BODY, POSTERIOR, PUBLISHED, RAW, WIDTH, house_style


def draw(points: Sequence[Mapping[str, Any]], peers: Sequence[Mapping[str, str]], path: Path) -> None:
    """Draw both panels at journal width and write them as SVG."""
    with house_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 0.45 * WIDTH), layout="constrained")
        for engine, colour, marker in (("quadrature", POSTERIOR, "o"), ("NUTS", PUBLISHED, "s")):
            own = [p for p in points if p["engine"] == engine]
            seconds, errors = [p["set_up"] + p["seconds"] for p in own], [p["error"] for p in own]
            left.loglog(seconds, errors, color=colour, marker=marker)
            left.annotate(
                engine,
                (seconds[-1], errors[-1]),
                (6, 4),
                textcoords="offset points",
                color=colour,
                size=BODY,
            )
        left.set(xlabel="seconds, set-up included", ylabel="largest error, posterior SDs", title="strength, one prior")
        left.margins(x=0.25)
        shown = [p for p in peers if p["what"].startswith("strength") and "1000" not in p["what"]]
        ours = {p["engine"]: p["set_up"] + p["seconds"] for p in points if p["size"] in (12, 4_000)}
        names = [*(f"bayes-ivig, {name}" for name in ours), *(f"{p['tool']}, {p['clock']}" for p in shown)]
        times = [*ours.values(), *(float(p["seconds"]) for p in shown)]
        colours = [POSTERIOR] * len(ours) + [RAW] * len(shown)
        right.barh(names[::-1], times[::-1], color=colours[::-1], height=0.6)
        right.set(xscale="log", xlabel="seconds for one fit", title="other programs, other machine")
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
