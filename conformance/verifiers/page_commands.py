"""A page of the documentation as a shell script: its commands in order, and the files that it says to write."""

from __future__ import annotations

import re
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DELIMITER = "END_OF_THE_FILE"


class NotFollowable(Exception):
    """The page cannot be followed; the text says why."""


def script(page: Path, files: dict[str, str], in_place_of: dict[str, str]) -> str:
    """The blocks in the language `sh`, and each block in a language of `files` as the file of that name.

    `in_place_of` has what this machine has in place of what the page names; all of it must occur.
    """
    lines = ["set -eu"]
    for language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "sh":
            lines.append(text)
        elif language in files:
            lines.append(f"cat > {files[language]} <<'{DELIMITER}'\n{text}{DELIMITER}")
    whole = "\n".join(lines) + "\n"
    for named, real in in_place_of.items():
        if named not in whole:
            raise NotFollowable(f"{page.name} does not contain `{named}`")
        whole = whole.replace(named, real)
    return whole
