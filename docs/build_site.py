"""Build the pages of docs/ and README.md as a site: `make docs-site`.

What stands in the pages is Markdown as GitHub shows it. The site is made of a copy in which README.md is the first page
and links out of docs/ lead to the repository.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONFIG = "docs/zensical.toml"
TARGET = ".cache/docs-site"
INDEX, HOME = "index.md", "README.md"
# Pages beside README.md that are no part of the site: their links are checked all the same.
OTHERS = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
_LINK = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")


@dataclass(frozen=True)
class Line:
    """A line of a page, by its number; ``text`` is empty where all of it is code."""

    number: int
    raw: str
    text: str


def lines(text: str) -> Iterator[Line]:
    """Yield the lines of a page; spans of code are blanked in ``text``, so that nothing in them is a link."""
    fence = ""
    for number, raw in enumerate(text.splitlines(), 1):
        mark = re.match(r" *(```+|~~~+)", raw)
        if fence:
            fence = "" if mark and mark[1].startswith(fence) else fence
            yield Line(number, raw, "")
        elif mark:
            fence = mark[1]
            yield Line(number, raw, "")
        else:
            yield Line(number, raw, _CODE.sub(lambda code: " " * len(code[0]), raw))


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    counted: Counter[str] = Counter()
    found = set()
    for line in lines(text):
        if line.text and (heading := _HEADING.match(line.raw)):
            words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
            slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
            found.add(f"{slug}-{counted[slug]}" if counted[slug] else slug)
            counted[slug] += 1
    return found


def links(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and target of each link and picture that does not lead to another site."""
    for line in lines(text):
        for match in _LINK.finditer(line.text):
            if not _ELSEWHERE.match(match[1]):
                yield line.number, match[1]


def pages(root: Path = ROOT) -> list[str]:
    """Return the pages below ``root`` by their paths: README.md, those of OTHERS and of docs/."""
    found = [name for name in (HOME, *OTHERS) if (root / name).is_file()]
    return [*found, *sorted(path.relative_to(root).as_posix() for path in (root / "docs").rglob("*.md"))]


def nav(config: Mapping[str, Any]) -> list[str]:
    """Return the pages of the navigation, in its order."""

    def below(entry: Any) -> Iterator[str]:
        if isinstance(entry, str):
            yield entry
        else:
            for part in entry.values() if isinstance(entry, dict) else entry:
                yield from below(part)

    return list(below(config["project"]["nav"]))


def problems(root: Path = ROOT) -> Iterator[str]:
    """Yield a line for each link that leads nowhere, and each page that the navigation lacks or names in vain."""
    texts = {page: (root / page).read_text(encoding="utf-8") for page in pages(root)}
    for page, text in texts.items():
        for number, target in links(text):
            path, _, anchor = target.partition("#")
            file = normpath((Path(page).parent / path).as_posix()) if path else page
            if file.startswith("..") or not (root / file).exists():
                yield f"{page}:{number}: {target}: there is no {file}"
            elif anchor and file in texts and anchor not in anchors(texts[file]):
                yield f"{page}:{number}: {target}: {file} has no heading with this anchor"
    named = Counter(nav(tomllib.loads((root / CONFIG).read_text(encoding="utf-8"))))
    there = {INDEX, *(page.removeprefix("docs/") for page in texts if page.startswith("docs/"))}
    for page in sorted(there - named.keys()):
        yield f"{CONFIG}: nav lacks {page}: add it where a person needs it"
    for page in sorted(named.keys() - there):
        yield f"{CONFIG}: nav names {page}, which is not in docs/"
    for page, times in named.items():
        if times > 1:
            yield f"{CONFIG}: nav names {page} {times} times"


def rewritten(page: str, text: str, repository: str) -> str:
    """Return a page's text for the site: links within it by their places there, others into the ``repository``."""

    def lead(target: str) -> str:
        path, mark, anchor = target.partition("#")
        if _ELSEWHERE.match(target) or not path:
            return target
        file = normpath((Path(page).parent / path).as_posix())
        if file == HOME:
            file = f"docs/{INDEX}"
        elif not file.startswith("docs/") or not Path(file).suffix or file.endswith(".py"):
            return f"{repository}/blob/HEAD/{file}{mark}{anchor}"
        inner = file.removeprefix("docs/")
        up = "../" * (len(Path(page).parts) - 2)
        return f"{up}{inner}{mark}{anchor}"

    written, listed = [], False
    for line in lines(text):
        if line.text[:1].strip():
            listed = line.text.startswith("- ")
        # Code in a list: GitHub counts from the item's text, the site's Markdown by fours.
        deeper = "  " if listed and line.text.startswith(" " * 6) else ""
        parts, at = [], 0
        for match in _LINK.finditer(line.text):
            parts += [line.raw[at : match.start()], lead(line.raw[match.start() : match.end()])]
            at = match.end()
        written.append("".join([deeper, *parts, line.raw[at:]]))
    return "\n".join(written) + "\n"


def assemble(target: Path, repository: str, root: Path = ROOT) -> None:
    """Write the site's sources to the folder ``target``: zensical.toml and pages/."""
    shutil.rmtree(target, ignore_errors=True)
    for page in pages(root):
        if page in OTHERS:
            continue
        copy = target / "pages" / (INDEX if page == HOME else page.removeprefix("docs/"))
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = (root / page).read_text(encoding="utf-8")
        copy.write_text(rewritten(page, text, repository), encoding="utf-8")
    for kind in ("*.svg", "*.png"):
        for picture in (root / "docs").glob(kind):
            shutil.copy2(picture, target / "pages" / picture.name)
    config = (root / CONFIG).read_text(encoding="utf-8")
    (target / "zensical.toml").write_text(config.replace("REPOSITORY", repository), encoding="utf-8")


def main() -> int:
    """Return the exit status: 1 for a broken link or navigation, else that of the program in the first argument."""
    sys.path.insert(0, str(ROOT))
    from gitops.manifests.site import read_site

    if found := list(problems()):
        sys.stderr.writelines(f"{line}\n" for line in found)
        return 1
    repository = read_site(ROOT).url.rstrip("/").removesuffix(".git")
    assemble(ROOT / TARGET, repository)
    program = Path(sys.argv[1]).absolute()
    return subprocess.run([program, "build", "--strict"], cwd=ROOT / TARGET, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
