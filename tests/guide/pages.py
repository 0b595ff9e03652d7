"""Reads the pages of the guide, and checks what needs neither a compiler nor an interpreter: links, the table of
contents and the languages of the blocks.

The first word after three backticks is the language. What may follow: `compile_fail` after `rust`, `strict` and a
version after `python`, and the name of a file.
"""

import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
LANGUAGES = {"c", "console", "python", "rust", "text", "toml"}
CHECKED = [["rust", "compile_fail"], ["python", "strict"]]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


@dataclass
class Block:
    language: str
    # What follows the language.
    words: list
    # The number of the line with the backticks. The first line of the page is 1.
    line: int
    lines: list

    @property
    def text(self):
        return "".join(f"{line}\n" for line in self.lines)


class Page:
    def __init__(self, path):
        self.path = Path(path)
        inside = self.path.is_relative_to(REPOSITORY)
        self.name = (self.path.relative_to(REPOSITORY) if inside else self.path).as_posix()
        self.module = self.path.stem.replace("-", "_")
        self.lines = self.path.read_text(encoding="utf-8").splitlines()
        self.blocks = []
        self.prose = []
        inside = None
        for number, line in enumerate(self.lines, 1):
            fence = line.startswith("```")
            if inside and fence:
                inside = None
            elif inside:
                inside.lines.append(line)
            elif fence:
                language, *words = re.split(r"[, ]+", line[3:])
                inside = Block(language, words, number, [])
                self.blocks.append(inside)
            else:
                self.prose.append((number, line))
        assert inside is None, f"{self.name}:{inside.line}: this block does not end"

    def of(self, language):
        return [block for block in self.blocks if block.language == language]

    @property
    def rust(self):
        """The blocks that must compile."""
        return [block for block in self.of("rust") if not block.words or self.is_file(block)]

    @property
    def mistakes(self):
        """The blocks that must not compile, each with the lines that the page quotes from the compiler."""
        return [(block, self.after(block)) for block in self.of("rust") if block.words == ["compile_fail"]]

    @property
    def sessions(self):
        return [block for block in self.of("python") if block.text.startswith(">>> ")]

    @property
    def scripts(self):
        return [block for block in self.of("python") if block not in self.sessions and not self.is_file(block)]

    @staticmethod
    def is_file(block):
        return "." in "".join(block.words[:1])

    def after(self, block):
        """The lines of the block of text that follows this block, if one does."""
        following = self.blocks[self.blocks.index(block) + 1 :][:1]
        return [line for text in following if text.language == "text" for line in text.lines]

    def only(self, blocks):
        """The page without everything but these blocks; each of their lines keeps its number."""
        kept = [""] * len(self.lines)
        for block in blocks:
            kept[block.line : block.line + len(block.lines)] = block.lines
        return kept

    @property
    def anchors(self):
        """What a link to a heading of this page ends with, as mdBook and code-hosting sites derive it."""
        titles = [line.lstrip("#") for _, line in self.prose if line.startswith("#")]
        return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}

    @property
    def links(self):
        """The number of a line, and the target of a link that begins there."""
        prose = [""] * len(self.lines)
        for number, line in self.prose:
            prose[number - 1] = line
        prose = "\n".join(prose)
        return [(prose.count("\n", 0, link.start()) + 1, link.group(1)) for link in LINK.finditer(prose)]

    def problem(self, line, what):
        return f"{self.name}:{line}: {what}"


def pages(src):
    return [Page(path) for path in sorted(Path(src).glob("*.md")) if path.name != "SUMMARY.md"]


def problems(src):
    """The problems of all pages that can be found without running anything."""
    src = Path(src)
    summary = Page(src / "SUMMARY.md")
    listed = {target for _, target in summary.links}
    found = [f"{page.name}: not in SUMMARY.md" for page in pages(src) if page.path.name not in listed]
    for page in [summary, *pages(src)]:
        found += [page.problem(line, f"dead link: {link}") for line, link in page.links if not alive(page, link)]
        for block in page.blocks:
            known = not block.words or page.is_file(block) or [block.language, *block.words[:1]] in CHECKED
            if block.language not in LANGUAGES or not known:
                found.append(page.problem(block.line, f"a block that nothing checks: {block.language} {block.words}"))
    return found


def alive(page, link):
    if re.match(r"https?:", link):
        return True
    path, _, anchor = link.partition("#")
    target = (page.path.parent / path).resolve() if path else page.path
    return target.exists() and (not anchor or anchor in Page(target).anchors)
