"""What this project adds to the builds of its users, in processor time (user + system), beside PyO3 alone.

Two numbers: what the dependency adds to a clean build of an extension with one class, and what each further class adds
to a build of the user's own crate and, in release, to its size. The crates are generated in a folder outside the
repository, with the repository's lock file. Builds take turns, and the medians are compared.
"""

import contextlib
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

from build import NotBuilt
from peers import HERE
from results import first_number, locked

ROOT = HERE.parent
PROFILES = {"debug": [], "release": ["--release"]}
MORE = 40
# The crates whose clean builds are compared: what each depends on besides PyO3, and whether its class exports a buffer.
PATH = f'path = "{ROOT / "buffer-runtime"}"'
RUNTIME = f"buffer-runtime = {{ {PATH} }}\n"
LEAST = f"buffer-runtime = {{ {PATH}, default-features = false }}\n"
CLEAN = {"alone": ("", "plain"), "with": (RUNTIME, "derived"), "least": (LEAST, "derived")}

MANIFEST = """\
[package]
name = "measured"
version = "0.1.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]

[dependencies]
pyo3 = "~0.30.1"
"""

DERIVED = """
#[derive(buffer_runtime::ExportBuffer)]
#[pyclass(frozen)]
struct Class{n} {{
    columns: usize,
    #[buffer{options}]
    data: buffer_runtime::ExportCell<Vec<{element}>>,
}}

#[pymethods]
impl Class{n} {{
    #[new]
    fn new(columns: usize) -> Self {{
        Self {{ columns, data: buffer_runtime::ExportCell::new(vec![{zero}; columns]) }}
    }}

    fn __len__(&self) -> usize {{
        self.data.len() / self.columns
    }}
}}
"""

# The same class without a buffer.
PLAIN = (
    DERIVED.replace("#[derive(buffer_runtime::ExportBuffer)]\n", "")
    .replace("    #[buffer{options}]\n", "")
    .replace("buffer_runtime::ExportCell<Vec<{element}>>", "Vec<{element}>")
    .replace("buffer_runtime::ExportCell::new(vec![{zero}; columns])", "vec![{zero}; columns]")
)
KINDS = {"plain": PLAIN, "derived": DERIVED}

# No two classes are alike, so that the compiler cannot merge them.
ELEMENTS = ["f32", "f64", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"]
LAYOUTS = [
    "",
    "(shape = [_, self.columns])",
    '(shape = [_, self.columns, 2], order = "F")',
    "(shape = [_, 2], readonly)",
]


def measure(rounds):
    """Measures everything, and prints it. Returns it for the measured file."""
    with tempfile.TemporaryDirectory(prefix="buffer-compile-") as folder:
        folder = pathlib.Path(folder)
        clean = clean_builds(folder, rounds)
        classes = builds_of_classes(folder, rounds)
    versions = {"rustc": first_number("rustc", "--version"), "PyO3": locked("pyo3")}
    return {"versions": versions, "clean": clean, "class": classes}


def clean_builds(folder, rounds):
    """The seconds of clean builds, by profile and crate."""
    crates = {name: Crate(folder / name, *of) for name, of in CLEAN.items()}
    seconds = {profile: {name: [] for name in crates} for profile in PROFILES}
    for _ in range(rounds):
        for profile in PROFILES:
            for name, crate in crates.items():
                crate.write(1)
                shutil.rmtree(crate.target, ignore_errors=True)
                # Most clean builds are those of a CI, which are not incremental. Crates from a registry never are.
                seconds[profile][name].append(crate.build(profile, CARGO_INCREMENTAL="0"))
    medians = {}
    for profile, names in seconds.items():
        medians[profile] = {name: round(statistics.median(times), 2) for name, times in names.items()}
        alone = medians[profile]["alone"]
        for name, median in medians[profile].items():
            print(f"  {profile:<8} {name:<8} {median:6.2f} s  {100 * (median / alone - 1):+4.0f}%", flush=True)
    return medians


def builds_of_classes(folder, rounds):
    """What a class adds to the user's crate, without the derive and with it: milliseconds and, in release, bytes."""
    crate = Crate(folder / "classes", RUNTIME, "derived")
    times = {(profile, kind, count): [] for profile in PROFILES for kind in KINDS for count in (1, 1 + MORE)}
    sizes = {}
    crate.write(1)
    for profile in PROFILES:
        crate.build(profile)
    for _ in range(rounds):
        for key in times:
            profile, kind, count = key
            crate.kind = kind
            crate.write(count)
            crate.forget(profile)
            times[key].append(crate.build(profile))
            sizes[key] = crate.size(profile)
    found = {}
    for profile in PROFILES:
        found[profile] = {}
        for kind in KINDS:
            few, many = (profile, kind, 1), (profile, kind, 1 + MORE)
            spent = statistics.median(times[many]) - statistics.median(times[few])
            found[profile][kind] = {"milliseconds": round(1000 * spent / MORE, 1)}
            if profile == "release" and sizes[few] is not None:
                found[profile][kind]["bytes"] = round((sizes[many] - sizes[few]) / MORE)
        plain, derived = found[profile]["plain"], found[profile]["derived"]
        added = ", ".join(f"{derived[unit] - plain[unit]:.0f} {unit}" for unit in plain)
        print(f"  {profile:<8} a class adds {added} to what it takes without the derive: {plain}", flush=True)
    return found


class Crate:
    """A crate of generated classes."""

    def __init__(self, path, dependencies, kind):
        self.path, self.target, self.kind = path, path / "target", kind
        (path / "src").mkdir(parents=True, exist_ok=True)
        (path / "Cargo.toml").write_text(MANIFEST + dependencies)
        # The same versions as here.
        shutil.copy(ROOT / "Cargo.lock", path / "Cargo.lock")

    def write(self, count):
        classes = [self.of(n) for n in range(count)]
        exports = "".join(f"    #[pymodule_export]\n    use super::Class{n};\n" for n in range(count))
        text = f"use pyo3::prelude::*;\n{''.join(classes)}\n#[pymodule]\nmod measured {{\n{exports}}}\n"
        (self.path / "src" / "lib.rs").write_text(text)

    def of(self, n):
        element = ELEMENTS[n % len(ELEMENTS)]
        zero = "0.0" if element.startswith("f") else "0"
        options = LAYOUTS[n // len(ELEMENTS) % len(LAYOUTS)]
        return KINDS[self.kind].format(n=n, element=element, zero=zero, options=options)

    def forget(self, profile):
        """Makes the next build compile the crate itself, all of it."""
        for folder in (self.target / profile / "incremental").glob("measured-*"):
            shutil.rmtree(folder)
        # Cargo compares times of files, which may be equal.
        for folder in (self.target / profile / ".fingerprint").glob("measured-*"):
            shutil.rmtree(folder)

    def build(self, profile, **more):
        """Builds it. Returns the seconds of processor time."""
        # Like maturin; and without a wrapper that would answer from a cache.
        environment = {
            **os.environ,
            "PYO3_BUILD_EXTENSION_MODULE": "1",
            "PYO3_PYTHON": os.path.realpath(sys.executable),
            "CARGO_TARGET_DIR": str(self.target),
            "RUSTC_WRAPPER": "",
            **more,
        }
        if sys.platform == "darwin":
            environment["RUSTFLAGS"] = "-C link-arg=-undefined -C link-arg=dynamic_lookup"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(["cargo", "build", "--quiet", *PROFILES[profile]], cwd=self.path, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            raise NotBuilt(f"the measured crate failed to build, with status {done.returncode}")
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    def size(self, profile):
        """The bytes of code and data, if `size` of binutils is installed."""
        files = [self.target / profile / f"libmeasured.{ending}" for ending in ("so", "dylib")]
        with contextlib.suppress(OSError, subprocess.CalledProcessError, StopIteration):
            file = next(file for file in files if file.exists())
            text = subprocess.run(["size", file], capture_output=True, text=True, check=True).stdout
            return sum(map(int, text.splitlines()[1].split()[:2]))
        return None
