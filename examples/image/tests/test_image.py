"""An image whose crops and channels are parts of its memory."""

import importlib.util
import pathlib

import numpy as np
import pytest
from image import Image

HERE = pathlib.Path(__file__).parents[1]


@pytest.fixture
def image():
    image = Image(4, 6)
    np.asarray(image)[...] = np.arange(72).reshape(4, 6, 3)
    return image


PIXELS = np.arange(72, dtype=np.uint8).reshape(4, 6, 3)


def test_the_whole_image(image):
    assert (np.asarray(image) == PIXELS).all()
    assert (image.height, image.width, repr(image)) == (4, 6, "<Image of 4 x 6 pixels>")
    assert not np.asarray(Image(2, 3)).any()


def test_crops_and_channels_show_the_same_memory(image):
    crop, red = np.asarray(image.crop(1, 2, 2, 3)), np.asarray(image.channel(0))
    assert (crop == PIXELS[1:3, 2:5]).all() and (red == PIXELS[:, :, 0]).all()
    crop[...] = 9
    assert (red[1:3, 2:5] == 9).all()
    assert image.crop(0, 0, 4, 6).nbytes == 72
    assert image.crop(4, 6, 0, 0).shape == (0, 0, 3)


def test_fill_works_while_numpy_looks(image):
    whole, blue = np.asarray(image), np.asarray(image.channel(2))
    image.fill(1, 2, 3)
    assert (whole == [1, 2, 3]).all() and (blue == 3).all()


@pytest.mark.parametrize(
    "view", [lambda image: image, lambda image: image.channel(1), lambda image: image.crop(0, 0, 1, 1)]
)
def test_resize_is_refused_while_anything_is_viewed(image, view):
    viewed = memoryview(view(image))
    with pytest.raises(BufferError, match="cannot resize: 1 writable view is alive"):
        image.resize(1, 1)
    assert (image.height, image.width) == (4, 6)
    viewed.release()
    image.resize(5, 3)
    resized = np.asarray(image)
    assert resized.shape == (5, 3, 3)
    assert (resized[:4] == PIXELS[:, :3]).all() and not resized[4].any()


def test_a_crop_of_an_image_that_was_cut_is_refused(image):
    crop = image.crop(3, 0, 1, 6)
    image.resize(2, 2)
    with pytest.raises(BufferError, match="outside the storage, which has 12 bytes"):
        np.asarray(crop)


def test_parts_that_do_not_exist(image):
    with pytest.raises(IndexError, match="index 3 is outside axis 2, which has 3 items"):
        image.channel(3)
    with pytest.raises(ValueError, match=r"the range 2\.\.5 is outside axis 0, which has 4 items"):
        image.crop(2, 0, 3, 1)
    with pytest.raises(ValueError, match="outside axis 1"):
        image.crop(0, 2**64 - 1, 1, 2)


@pytest.mark.parametrize("extents, name", [((0, 1), "height"), ((1, 0), "width")])
def test_extents_that_are_too_small(image, extents, name):
    for make in (Image, image.resize):
        with pytest.raises(ValueError, match=f"^{name} must be at least 1, not 0$"):
            make(*extents)
    assert (np.asarray(image) == PIXELS).all()


def test_images_larger_than_any_memory(image):
    for make in (Image, image.resize):
        with pytest.raises(MemoryError, match="^no memory for 4294967296 x 4294967296 pixels$"):
            make(2**32, 2**32)
    assert (image.height, image.width) == (4, 6)


def test_the_demo_saves_the_picture(tmp_path, capsys, monkeypatch):
    pytest.importorskip("PIL", reason="this Python has no pillow")
    monkeypatch.delenv("DISPLAY", raising=False)
    spec = importlib.util.spec_from_file_location("demo", HERE / "demo.py")
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    path = tmp_path / "image.png"
    demo.main(path)
    shown = capsys.readouterr().out
    assert "resize: cannot resize: 2 writable views are alive" in shown
    assert f"<Image of 200 x 300 pixels> is saved in {path}" in shown

    from PIL import Image as Picture

    pixels = np.asarray(Picture.open(path))
    assert pixels.shape == (200, 300, 3)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100
