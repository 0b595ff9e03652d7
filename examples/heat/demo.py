"""Rust steps a heat equation in place, and numpy and matplotlib look at the same memory.

Run it with any Python that has heat, matplotlib, numpy and tqdm installed; `cargo xtask develop` installs them into
`.venv`. It writes a picture of four moments to `heat.png`, or to the path that it is called with.
"""

import sys

try:
    import numpy as np
    from heat import Plate
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path
    from matplotlib.textpath import TextPath
    from tqdm import tqdm
except ImportError as error:
    sys.exit(f"{error}; `cargo xtask develop` installs what the demo needs into `.venv`")

MOMENTS = (0, 100, 1_000, 10_000)
STEPS_PER_CALL = 20


def main(path="heat.png"):
    plate = Plate(200, 300)
    a = np.asarray(plate)
    a[written("Rust", a.shape)] = 100
    # The outermost cells keep their temperature, so this edge is a heater.
    a[-1] = 100 * np.sin(np.linspace(0, np.pi, a.shape[1])) ** 2

    figure = Figure(figsize=(7.2, 4.5), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    with tqdm(total=MOMENTS[-1], unit=" steps") as bar:
        for ax, moment in zip(axes.flat, MOMENTS):
            while plate.steps < moment:
                plate.step(STEPS_PER_CALL)
                bar.update(STEPS_PER_CALL)
            image = draw(ax, a, moment)
    figure.suptitle("Rust steps the heat equation in place, numpy shows the same memory")
    figure.supxlabel("column")
    figure.supylabel("row")
    figure.colorbar(image, ax=axes, label="temperature in °C")
    figure.savefig(path, dpi=100)
    print(f"{plate} is drawn in {path}; its mean temperature is {a.mean():.1f} °C")


def written(text, shape):
    """Which cells of a plate are inside the letters of a text."""
    height, width = shape
    letters = TextPath((0, 0), text, size=100, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    box = letters.get_extents()
    scale = 0.8 * width / box.width
    rows, columns = np.indices(shape)
    x = (columns - width / 2) / scale + (box.x0 + box.x1) / 2
    y = (height / 2 - rows) / scale + (box.y0 + box.y1) / 2
    points = np.column_stack([x.ravel(), y.ravel()])
    inside = np.zeros(len(points), bool)
    for outline in letters.to_polygons():
        # The outline of a hole lies inside of another one.
        inside ^= Path(outline).contains_points(points)
    return inside.reshape(shape)


def draw(ax, a, moment):
    """Draws the temperatures as they are now."""
    image = ax.imshow(a, cmap="inferno", vmin=0, vmax=100)
    if moment:
        ax.contour(a, levels=range(20, 100, 20), colors="white", linewidths=0.5, alpha=0.6)
    ax.set_title("at the start" if moment == 0 else f"after {moment:,} steps", fontsize="medium")
    return image


if __name__ == "__main__":
    main(*sys.argv[1:])
