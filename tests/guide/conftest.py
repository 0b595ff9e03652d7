"""Warnings are failures, as in the other tests. Says so if the compiler's messages are not compared."""

import crate


def pytest_configure(config):
    config.addinivalue_line("filterwarnings", "error")


def pytest_report_header(config):
    if not crate.compiler().startswith(crate.QUOTED):
        return f"messages are not compared: they are those of {crate.QUOTED}x, and this is {crate.compiler()}"
