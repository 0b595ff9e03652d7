"""The modules that are compared: their names, how to build them, and how to import them."""

import functools
import importlib.util
import json
import os
import pathlib
import shlex
import subprocess
import sys
import sysconfig

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")).resolve() / "bench"

# Each module has one class: with two, the compiler would inline differently.
C_PEER = "c_peer"
OURS = "ours"
PEERS = {
    C_PEER: "C by hand",
    "pyo3_by_hand": "PyO3 by hand",
    "pyo3_by_hand_frozen": "PyO3 by hand, frozen",
    OURS: "derive, frozen",
    "ours_mutable": "derive, not frozen",
}
# The example of a consumer. It is compared with numpy.
CONSUMER = "consume"
IN_C = [C_PEER, "pairs"]
# The package of each module, by the module's name.
IN_RUST = {name: "bench-" + name.replace("_", "-") for name in PEERS if name not in IN_C} | {CONSUMER: CONSUMER}


def module_file(name):
    """The file of a module that `build` makes for this interpreter."""
    return TARGET / "modules" / (name + sysconfig.get_config_var("EXT_SUFFIX"))


def build():
    """Builds every module with exactly the settings that its author would use."""
    module_file("pairs").parent.mkdir(parents=True, exist_ok=True)
    for name in IN_C:
        compile_c(name)
    for name, library in build_rust().items():
        module_file(name).unlink(missing_ok=True)
        os.link(library, module_file(name))


def compile_c(name):
    flags = ["-O2", "-DNDEBUG", "-g", "-fPIC", "-shared", "-Wall", "-Wextra"]
    if sys.platform == "darwin":
        flags += ["-undefined", "dynamic_lookup"]
    include = "-I" + sysconfig.get_path("include")
    compiler = shlex.split(os.environ.get("CC", "cc"))
    run([*compiler, *flags, include, "-o", module_file(name), HERE / f"{name}.c"])


def build_rust():
    """The shared libraries that `cargo build --release` makes, by the module's name."""
    command = ["cargo", "build", "--release", "--message-format=json-render-diagnostics", "--target-dir", TARGET]
    for package in IN_RUST.values():
        command += ["--package", package]
    # Like maturin: the modules get Python's symbols from the interpreter that loads them.
    environment = {**os.environ, "PYO3_BUILD_EXTENSION_MODULE": "1", "PYO3_PYTHON": sys.executable}
    if sys.platform == "darwin":
        lookup = "-C link-arg=-undefined -C link-arg=dynamic_lookup"
        environment["RUSTFLAGS"] = f"{environment.get('RUSTFLAGS', '')} {lookup}".strip()
    output = run(command, cwd=HERE.parent, env=environment, stdout=subprocess.PIPE).stdout
    built = {}
    for message in map(json.loads, output.splitlines()):
        if message["reason"] == "compiler-artifact" and message["target"]["name"] in IN_RUST:
            built[message["target"]["name"]] = message["filenames"][0]
    return built


def run(command, **options):
    """Runs a step of the build. If the step fails, its own output is the explanation."""
    try:
        return subprocess.run([str(part) for part in command], check=True, text=True, **options)
    except FileNotFoundError:
        sys.exit(f"bench: cannot run {command[0]}: it is not installed")
    except subprocess.CalledProcessError as error:
        sys.exit(f"bench: {command[0]} failed with status {error.returncode}")


@functools.cache
def load(name):
    """Imports a module that `build` made, once."""
    spec = importlib.util.spec_from_file_location(name, module_file(name))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
