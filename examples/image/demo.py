"""numpy draws on crops and channels of an image in Rust, and PIL saves the image.

Run it with any Python that has image, numpy and pillow installed; `cargo xtask develop` installs them into `.venv`. It
writes the picture to `image.png`, or to the path that it is called with, and shows it where there is a display.
"""

import os
import sys

try:
    import numpy as np
    from image import Image
    from PIL import Image as Picture
except ImportError as error:
    sys.exit(f"{error}; `cargo xtask develop` installs what the demo needs into `.venv`")


def main(path="image.png"):
    image = Image(200, 300)
    image.fill(250, 240, 220)
    for channel, (y, x) in enumerate([(40, 60), (60, 110), (40, 160)]):
        crop = np.asarray(image.crop(y, x, 80, 80))
        crop[disk(80)] = [230 * (channel == other) for other in range(3)]
    green = np.asarray(image.channel(1))
    green[-10:] = np.linspace(0, 255, image.width)

    try:
        image.resize(100, 100)
    except BufferError as error:
        print("resize:", error)
    del crop, green
    picture = Picture.fromarray(np.asarray(image))
    picture.save(path)
    print(f"{image} is saved in {path}")
    if os.environ.get("DISPLAY"):
        picture.show()


def disk(size):
    """Which pixels of a square are in its inscribed circle."""
    y, x = np.indices((size, size)) - (size - 1) / 2
    return x**2 + y**2 < (size / 2) ** 2


if __name__ == "__main__":
    main(*sys.argv[1:])
