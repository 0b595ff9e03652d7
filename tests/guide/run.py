"""Runs the Python of a page against the compiled module: its session, its scripts, and mypy where the page says so."""

import os
import subprocess
import sys
from pathlib import Path

SESSION = Path(__file__).with_name("session.py")


def problems(page, modules, directory):
    """What is wrong with the Python on this page. `directory` is where it may write files."""
    found = []
    for block in page.of("python"):
        if page.is_file(block):
            (directory / block.words[0]).write_text(block.text, encoding="utf-8")
    if page.sessions:
        ran = python(modules, directory, SESSION, page.path.resolve())
        if ran.returncode:
            found.append(page.problem(page.sessions[0].line, f"the session prints something else:\n{ran.stdout}"))
    for block in page.scripts:
        script = directory / f"{page.module}_{block.line}.py"
        script.write_text(block.text, encoding="utf-8")
        ran = python(modules, directory, script)
        expected = "".join(f"{line}\n" for line in page.after(block))
        if ran.returncode or ran.stdout != expected:
            found.append(page.problem(block.line, f"the script prints something else:\n{ran.stdout}"))
        if "strict" in block.words:
            version = [f"--python-version={version}" for version in block.words[1:]]
            cache = modules.parents[1] / "mypy"
            ran = python(modules, directory, "-m", "mypy", "--strict", "--cache-dir", cache, *version, script)
            if ran.returncode:
                found.append(page.problem(block.line, f"mypy refuses it:\n{ran.stdout}"))
    return found


def python(modules, directory, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(modules), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
