"""Builds the modules that are compared, each with the settings that its author would use.

A module of this project that fails to build ends the benchmark. Any other module is left out, with one line that says
why.
"""

import importlib.metadata
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import sysconfig

from peers import (
    ACCESS,
    ATOMIC,
    CONSUMER,
    EXAMPLES,
    HERE,
    IN_FORTRAN_ORDER,
    ORDINARY,
    OTHERS,
    OURS,
    PEERS,
    TARGET,
    TENSORS,
    TRAVELLER,
    C,
    module_file,
)

IN_RUST = [name for name, peer in PEERS.items() if peer.language == "Rust"]


def build_for_counting():
    """Builds the modules for the regression test of instructions: no peer but C."""
    prepare()
    compile_c("pairs", "pairs.c")
    build_c_peers()
    ours = [name for name in [*IN_FORTRAN_ORDER, *IN_FORTRAN_ORDER.values()] if not name.startswith("c_")]
    build_rust([*ours, OTHERS])
    build_tensors()


def build_for_bulk():
    """Builds what is compared in bulk."""
    prepare()
    build_rust([ACCESS, CONSUMER])


def build_for_pickles():
    """Builds what is pickled."""
    prepare()
    build_rust([TRAVELLER])


def build_atomic():
    """Builds C and the classes of this project with an atomic count of views, as they have without a GIL."""
    prepare()
    compile_c("pairs", "pairs.c")
    compile_c(ATOMIC + C, "c_peer.c", "-DATOMIC")
    build_rust([OURS, ORDINARY], ATOMIC, "--cfg buffer_atomic_lock")


def build_all():
    """Builds everything. Returns why peers are missing, by name."""
    prepare()
    compile_c("pairs", "pairs.c")
    build_c_peers()
    ours = [name for name in IN_RUST if name != "rust_numpy"]
    in_fortran_order = [name for name in IN_FORTRAN_ORDER.values() if name != IN_FORTRAN_ORDER[C]]
    build_rust([*ours, *in_fortran_order, OTHERS, CONSUMER, ACCESS, TRAVELLER])
    build_tensors()
    missing = {}
    for name, peer in PEERS.items():
        try:
            if peer.needs:
                importlib.metadata.version(peer.needs)
            BUILDERS.get(peer.language, lambda name: None)(name)
        except importlib.metadata.PackageNotFoundError:
            missing[name] = f"{peer.needs} is not installed"
        except NotBuilt as reason:
            missing[name] = str(reason)
    return missing


class NotBuilt(Exception):
    """One step of a build failed. Its own output, above, is the explanation."""


def headers():
    """Whether the headers of this Python are installed."""
    return pathlib.Path(sysconfig.get_path("include"), "Python.h").exists()


def prepare():
    if not headers():
        sys.exit(
            "bench: the headers of this Python are missing; on Debian and Ubuntu, `apt install python3-dev` adds them"
        )
    for name in ("pairs", ATOMIC + C, TENSORS + OURS):
        module_file(name).parent.mkdir(parents=True, exist_ok=True)


# C, C++ and Cython


def build_c_peers():
    compile_c(C, "c_peer.c")
    compile_c(IN_FORTRAN_ORDER[C], "c_peer.c", "-DFORTRAN")


def compile_c(name, source, *more):
    flags = ["-O2", "-DNDEBUG", "-g", *shared_library(), "-Wall", "-Wextra"]
    run([*compiler("CC", "cc"), *flags, *more, "-o", module_file(name), HERE / source])


def build_cython(name):
    source = TARGET / f"{name}.cpp"
    run([sys.executable, "-m", "cython", "--cplus", "-3", "-o", source, HERE / f"{name}.pyx"])
    run([*compiler("CXX", "c++"), "-O2", "-DNDEBUG", *shared_library(), "-o", module_file(name), source])


def build_pybind11(name):
    import pybind11

    flags = ["-O2", "-DNDEBUG", "-std=c++17", "-fvisibility=hidden", *shared_library(), f"-I{pybind11.get_include()}"]
    run([*compiler("CXX", "c++"), *flags, "-o", module_file(name), HERE / f"{name}.cpp"])


def build_nanobind(name):
    """As `nb_combined.cpp` of nanobind says for builds without CMake, but with -O2 for the module."""
    import nanobind

    sources = pathlib.Path(nanobind.source_dir())
    robin_map = sources.parent / "ext" / "robin_map" / "include"
    cxx = [*compiler("CXX", "c++"), "-std=c++17", "-fvisibility=hidden", "-DNDEBUG", "-DNB_COMPACT_ASSERTIONS"]
    cxx += [f"-I{nanobind.include_dir()}", f"-I{robin_map}"]
    library = TARGET / f"nanobind-{nanobind.__version__}-{sysconfig.get_config_var('SOABI')}.o"
    if not library.exists():
        flags = ["-O3", "-fno-strict-aliasing", "-ffunction-sections", "-fdata-sections", "-fPIC", include(), "-c"]
        run([*cxx, *flags, "-o", library, sources / "nb_combined.cpp"])
    run([*cxx, "-O2", *shared_library(), "-o", module_file(name), HERE / f"{name}.cpp", library])


def compiler(variable, default):
    return shlex.split(os.environ.get(variable, default))


def include():
    return "-I" + sysconfig.get_path("include")


def shared_library():
    """The flags for an extension module."""
    lookup = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    return ["-fPIC", "-shared", *lookup, include()]


# Rust


def build_rust(names, prefix="", flags="", features=()):
    """Makes modules with `cargo build --release`, with more flags for rustc and with features."""
    # With other flags everything would be built again in the same directory. With other features the modules would be.
    target = ["--target-dir", TARGET / prefix]
    command = ["cargo", "build", "--release", "--message-format=json-render-diagnostics", *target]
    for name in names:
        command += ["--package", name if name in EXAMPLES else "bench-" + name.replace("_", "-")]
    for feature in features:
        command += ["--features", feature]
    # Like maturin: the modules get Python's symbols from the interpreter that loads them.
    environment = {**os.environ, "PYO3_BUILD_EXTENSION_MODULE": "1", "PYO3_PYTHON": os.path.realpath(sys.executable)}
    if sys.platform == "darwin":
        flags += " -C link-arg=-undefined -C link-arg=dynamic_lookup"
    if flags:
        environment["RUSTFLAGS"] = f"{environment.get('RUSTFLAGS', '')} {flags}".strip()
    output = run(command, cwd=HERE.parent, env=environment, stdout=subprocess.PIPE).stdout
    for message in map(json.loads, output.splitlines()):
        if message["reason"] == "compiler-artifact" and message["target"]["name"] in names:
            file = module_file(prefix + message["target"]["name"])
            file.unlink(missing_ok=True)
            os.link(message["filenames"][0], file)


def build_tensors():
    """Builds the classes of this project again, with the methods of DLPack."""
    build_rust([OURS, ORDINARY], TENSORS, features=["buffer-runtime/dlpack"])


def build_rust_peer(name):
    if name == "rust_numpy":
        build_rust([name])


BUILDERS = {"Rust": build_rust_peer, "Cython": build_cython, "pybind11": build_pybind11, "nanobind": build_nanobind}


def run(command, **options):
    try:
        return subprocess.run([str(part) for part in command], check=True, text=True, **options)
    except FileNotFoundError:
        raise NotBuilt(f"{pathlib.Path(command[0]).name} is not installed") from None
    except subprocess.CalledProcessError as error:
        raise NotBuilt(f"{pathlib.Path(command[0]).name} failed with status {error.returncode}") from None


# The environment


def enter_environment():
    """Runs this program again in the benchmark's own virtual environment, which is made first if it is missing.

    Packages that do not install here are left out: what needs them is then missing from the results.
    """
    directory = TARGET / f"venv-{sysconfig.get_config_var('SOABI')}"
    if pathlib.Path(sys.prefix).resolve() == directory.resolve():
        return
    python = directory / ("Scripts" if os.name == "nt" else "bin") / "python"
    requirements = HERE / "requirements.txt"
    installed = directory / "requirements.txt"
    if not installed.exists() or installed.read_text() != requirements.read_text():
        print(f"Installing {requirements.relative_to(HERE.parent)}", flush=True)
        shutil.rmtree(directory, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        for line in requirements.read_text().splitlines():
            if line and not line.startswith("#"):
                quiet = ["--quiet", "--disable-pip-version-check"]
                if subprocess.run([python, "-m", "pip", "install", *quiet, line]).returncode != 0:
                    print(f"  {line} cannot be installed for this Python; what needs it is left out", flush=True)
        shutil.copy(requirements, installed)
    sys.exit(subprocess.run([python, "-B", *sys.argv]).returncode)
