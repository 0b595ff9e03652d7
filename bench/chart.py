"""The chart of the peers: `docs/images/benchmark.svg`, drawn by matplotlib from the measured file alone."""

import peers

FILE = peers.HERE.parent / "docs" / "images" / "benchmark.svg"
OTHERS, OURS = "#8a9aa8", "#c2410c"


def draw(results):
    """One dot for each peer: the instructions of a first view and its release.

    The same file gives the same bytes: no date is written, and identifiers do not depend on chance. Text stays text,
    which keeps the file small.
    """
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "buffer", "svg.fonttype": "none", "font.family": "sans-serif"})
    from matplotlib import pyplot

    measured = sorted(results["peers"].values(), key=lambda peer: peer["instructions"]["first"])
    c = results["peers"][peers.C]["instructions"]["first"]
    figure, axes = pyplot.subplots(figsize=(7.2, 0.32 * len(measured) + 0.9), layout="constrained")
    labels = [peer["label"].replace("`", "") for peer in measured]
    counts = [peer["instructions"]["first"] for peer in measured]
    colors = [OURS if "ExportBuffer" in label else OTHERS for label in labels]
    # A logarithmic axis has no zero to begin a bar at, so there are dots.
    axes.grid(axis="y", color="#e3e7eb")
    axes.set_axisbelow(True)
    axes.scatter(counts, labels, color=colors, s=40)
    for label, count in zip(labels, counts):
        text = f"{count:,.0f}  ({count / c:.2f} × C)"
        axes.annotate(text, (count, label), (8, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(50, 6 * max(counts))
    axes.invert_yaxis()
    axes.set_xlabel("instructions for a first view and its release (logarithmic)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(FILE, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
