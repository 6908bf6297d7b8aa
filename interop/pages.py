"""Reads the pages of the book (`docs/`) as somebody does who types what they say.

A block of code names its file in a comment on its first line. A block of the language `diff` changes a file that is there.
"""

import dataclasses
import re

from servers import HERE

DOCS = HERE.parent / "docs"
BLOCK = re.compile(r"^```([a-z]+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Block:
    language: str
    text: str

    @property
    def file(self):
        """Returns the file that the first line names, or nothing."""
        found = re.match(r"(?:#|//) ([\w./]+\.\w+)\n", self.text)
        return found and found[1]

    def applied(self, text):
        """Returns a file's text after the changes of this block."""
        for hunk in re.split(r"^@@\n", self.text.split("\n", 1)[1], flags=re.MULTILINE):
            lines = hunk.splitlines()
            before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
            after = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
            if before or after:
                assert text.count(before) == 1, f"this is not there, or more than once:\n{before}"
                text = text.replace(before, after)
        return text


class Page:
    """A page of the book."""

    def __init__(self, name):
        self.text = (DOCS / name).read_text()
        self.blocks = [Block(*found) for found in BLOCK.findall(self.text)]

    def block(self, language, file=None):
        """Returns the one block of a language, and of a file where that says which."""
        found = self.all_of(language, file)
        assert len(found) == 1, f"{len(found)} blocks of {language} {file or ''}"
        return found[0]

    def all_of(self, language, file=None):
        """Returns the blocks of a language, in order."""
        return [block for block in self.blocks if block.language == language and file in (None, block.file)]

    def rows(self):
        """Returns the rows of all tables, by the text of their first cell."""
        lines = [line.strip("|").split("|") for line in self.text.splitlines() if line.startswith("| ")]
        return {first.strip(): "|".join(rest) for first, *rest in lines}
