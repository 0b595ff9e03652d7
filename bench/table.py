"""The table of the peers, in Markdown, drawn from the measured file alone; and its place in the README."""

import peers

ROOT = peers.HERE.parent
README = ROOT / "README.md"
BEGIN, END = "<!-- benchmark table: begin -->", "<!-- benchmark table: end -->"
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
    """What the numbers are, what was compared, and what is missing."""
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


def in_readme():
    """The text between the markers, or None if the README lacks them."""
    text = README.read_text()
    if BEGIN not in text or END not in text:
        return None
    return text.split(BEGIN)[1].split(END)[0].strip() + "\n"


def put_into_readme(results):
    """Replaces the text between the markers. Returns whether the README has them."""
    if in_readme() is None:
        return False
    before, rest = README.read_text().split(BEGIN)
    README.write_text(f"{before}{BEGIN}\n\n{table(results)}\n{END}{rest.split(END)[1]}")
    return True
