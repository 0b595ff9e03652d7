"""The tables of the peers and of the builds, in Markdown, drawn from the measured file alone; and their places."""

import dataclasses
import pathlib

import peers

ROOT = peers.HERE.parent
CASES = {"first": "first view", "beside": "beside another view", "memoryview": "`memoryview(m).release()`"}


def table(results):
    """Instructions, with the multiple of C's; the time, as a multiple of C's; and the limits of the peer."""
    titles = ["exporter", *CASES.values(), "time", "limits"]
    lines = [titles, ["---", *(["---:"] * (len(CASES) + 1)), "---"]]
    c = results["peers"][peers.C]
    for peer in results["peers"].values():
        cells = [peer["label"]]
        for case in CASES:
            count = peer["instructions"][case]
            cells.append(f"{count:,.0f} ({count / c['instructions'][case]:.2f})")
        cells.append(f"{peer['time']['first']:.2f}")
        cells.append(limits(peer["answers"]))
        lines.append(cells)
    text = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    return f"{text}\n\n{notes(results)}\n"


def limits(answers):
    """What a consumer must know, in words."""
    said = []
    if answers["dimensions"] == 1:
        said.append("one dimension")
    if answers["property"]:
        said.append("only its property is a buffer")
    if answers["copies"]:
        said.append("a new row makes a new array, and views keep the old one")
    elif answers["grows"]:
        said.append("a new row moves the memory that views show")
    if answers["unlike"]:
        said.append(f"answers {answers['unlike']} of {answers['requests']} requests unlike `memoryview`")
    return "; ".join(said)


def notes(results):
    """What the numbers mean, which versions were compared, and which peers are missing."""
    versions = dict(results["versions"])
    machine = f"{versions.pop('processor')} {versions.pop('system')}"
    compared = ", ".join(f"{name} {version}" for name, version in versions.items())
    text = (
        "Instructions of a request with all flags and of its release; in brackets, their multiple of C's. The time is"
        f" that of a first view, as a multiple of C's. Measured on {machine} with {compared}."
    )
    for name, reason in results["missing"].items():
        text += f" Not measured: {peers.PEERS[name].label} ({reason})."
    return text


def builds(build):
    """What the dependency and a class add to a user's build."""
    lines = [["build", "PyO3 alone", "with `buffer-runtime`", "added"], ["---", "---:", "---:", "---:"]]
    for profile, times in build["clean"].items():
        alone = times["alone"]
        for name, kind in {"with": "", "least": ", no default features"}.items():
            ours = times[name]
            added = f"{100 * (ours / alone - 1):.0f}%"
            lines.append([f"{profile}, clean{kind}", f"{alone:.1f} s", f"{ours:.1f} s", added])
    for profile, kinds in build["class"].items():
        for unit, short in {"milliseconds": "ms", "bytes": "bytes"}.items():
            if unit in kinds["plain"]:
                plain, ours = kinds["plain"][unit], kinds["derived"][unit]
                cells = [f"{number:,.0f} {short}" for number in (plain, ours, ours - plain)]
                lines.append([f"{profile}, a class", *cells])
    text = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    compared = ", ".join(f"{name} {version}" for name, version in build["versions"].items())
    return f"{text}\n\nMeasured with {compared}.\n"


@dataclasses.dataclass
class Place:
    """Where a table stands in a file: between two markers."""

    file: pathlib.Path
    name: str

    @property
    def begin(self):
        return f"<!-- {self.name} table: begin -->"

    @property
    def end(self):
        return f"<!-- {self.name} table: end -->"

    def text(self):
        """The text between the markers, or None if the file lacks them."""
        text = self.file.read_text()
        if self.begin not in text or self.end not in text:
            return None
        return text.split(self.begin)[1].split(self.end)[0].strip() + "\n"

    def put(self, table):
        """Replaces the text between the markers. Returns whether the file has them."""
        if self.text() is None:
            return False
        before, rest = self.file.read_text().split(self.begin)
        self.file.write_text(f"{before}{self.begin}\n\n{table}\n{self.end}{rest.split(self.end)[1]}")
        return True


def drawn(results):
    """The tables with their places."""
    tables = [(Place(ROOT / "README.md", "benchmark"), table(results))]
    if "build" in results:
        tables.append((Place(peers.HERE / "README.md", "build"), builds(results["build"])))
    return tables
