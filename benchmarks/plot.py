"""The plot of the benchmarks: error against time of both engines, and how long other programs take."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, NullFormatter

from bayes_ivig.plots.style import BODY, POSTERIOR, PUBLISHED, RAW, SMALL, WIDTH, house_style


def draw(points: Sequence[Mapping[str, Any]], peers: Sequence[Mapping[str, str]], path: Path) -> None:
    """Draw both panels at journal width and write them as SVG."""
    with house_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 0.5 * WIDTH), layout="constrained")
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
        names = [f"bayes-ivig: {name}" for name in ours]
        names += [
            f"{p['tool']}: {p['what'].removeprefix('strength').strip(', ') or 'one fit'}, {p['clock']}" for p in shown
        ]
        times = [*ours.values(), *(float(p["seconds"]) for p in shown)]
        colours = [POSTERIOR] * len(ours) + [RAW] * len(shown)
        places = range(len(names), 0, -1)
        right.hlines(places, min(times) / 2, times, color=RAW, lw=0.5, linestyles=":")
        right.scatter(times, places, color=colours, s=22)  # on a log scale a bar's length would say nothing
        right.set_yticks(places, [fill(name, 34) for name in names], size=SMALL)
        right.set(xscale="log", xlabel="seconds for one fit", title="other programs, other machine")
        for axis in (left.xaxis, left.yaxis, right.xaxis):
            axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
            axis.set_minor_formatter(NullFormatter())
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
