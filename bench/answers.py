"""Measures how the peers behave: dimensions, growing under a view, answers that differ from memoryview's."""

import flags
import peers


def of(name):
    """What a consumer can see of one peer."""
    answer = peers.load("pairs").answer
    matrix = peers.make(name)
    exporter = peers.exporter(name, matrix)
    with memoryview(exporter) as view:
        dimensions = view.ndim
        model = like(view)
        unlike = [text for text, bits in flags.FLAGS.items() if answer(exporter, bits) != answer(model, bits)]
    return {
        "dimensions": dimensions,
        "property": peers.PEERS[name].property is not None,
        "grows": grows(name),
        "copies": peers.PEERS[name].copies,
        "unlike": len(unlike),
        "requests": len(flags.FLAGS),
    }


def like(view):
    """A memoryview with the same layout, whose answers are the model."""
    flat = memoryview(bytearray(view.nbytes))
    return flat if view.format == "B" else flat.cast(view.format, view.shape)


def grows(name):
    """Whether the matrix accepts another row while a view of it is held."""
    matrix = peers.make(name)
    with memoryview(peers.exporter(name, matrix)):
        try:
            peers.add_row(name, matrix)
        except (BufferError, ValueError):
            return False
    return True
