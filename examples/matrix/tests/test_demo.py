"""The output of the demo, on a smaller matrix."""

import importlib.util
import pathlib

DEMO = pathlib.Path(__file__).parents[1] / "demo.py"


def load():
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    return demo


def test_the_demo_refuses_and_goes_on(monkeypatch, capsys):
    demo = load()
    monkeypatch.setattr(demo, "GIB", 4 * demo.MIB)
    demo.main()
    shown = capsys.readouterr().out
    assert shown.count("   BufferError: cannot resize: 1 writable view is alive") == 1
    assert ">>> m = Matrix(1024, nrows=1024)" in shown
    assert "microseconds" in shown


def test_the_demo_takes_no_more_memory_than_there_is(monkeypatch):
    demo = load()
    monkeypatch.setattr(demo, "free_memory", lambda: 100 * demo.MIB)
    assert demo.affordable(demo.GIB) == 32 * demo.MIB
    monkeypatch.setattr(demo, "free_memory", lambda: None)
    assert demo.affordable(8 * demo.MIB) == 8 * demo.MIB
