from __future__ import annotations

import contextlib
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.environment import requirements_file
from server.errors import BadRequirements


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".txt")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder / "requirements.txt"


def read(folder: Path, **files: str) -> requirements_file.Requirements:
    return requirements_file.read(write(folder, **files), folder)


def test_comments_blank_lines_and_continuations(tmp_path: Path) -> None:
    listed = read(
        tmp_path,
        requirements="\ufeff# first\n\nnumpy==1.26.4 # why\nsix==1.17.0 \\\n    --hash=sha256:ab \\\n"
        "    --hash=sha256:cd\nname @ https://host/a.whl#sha256=ef\n",
    )
    assert [(entry.text, entry.origin) for entry in listed.entries] == [
        ("numpy==1.26.4", "requirements.txt, line 3"),
        ("six==1.17.0     --hash=sha256:ab     --hash=sha256:cd", "requirements.txt, line 4"),
        ("name @ https://host/a.whl#sha256=ef", "requirements.txt, line 7"),
    ]


def test_last_line_may_end_with_a_backslash(tmp_path: Path) -> None:
    assert [entry.text for entry in read(tmp_path, requirements="six \\").entries] == ["six"]


def test_included_files(tmp_path: Path) -> None:
    listed = read(
        tmp_path,
        requirements="-r more/base.txt\nsix\n--constraint=limits.txt\n-climits.txt\n",
        more__base="-r ../other.txt\nnumpy\n",
        other="pandas\n",
        limits="numpy<2\n",
    )
    assert [str(entry) for entry in listed.entries] == [
        "other.txt, line 1: pandas",
        "more/base.txt, line 2: numpy",
        "requirements.txt, line 2: six",
    ]
    assert [str(entry) for entry in listed.constraints] == ["limits.txt, line 1: numpy<2"] * 2


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    listed = read(tmp_path, requirements="-r other.txt\nsix\n", other="-r requirements.txt\nnumpy\n")
    assert [entry.name for entry in listed.entries] == ["numpy", "six"]


def test_options(tmp_path: Path) -> None:
    listed = read(
        tmp_path,
        requirements="-i https://host/simple\n--extra-index-url=https://other/simple\n--no-index\n--pre\n"
        "--require-hashes\n--pre\n--trusted-host host\n--find-links wheels\n-f https://host/links\nsix\n",
    )
    assert listed.text == (
        "--index-url https://host/simple\n--extra-index-url https://other/simple\n--no-index\n--find-links https://host/links\n"
        "six\n"
    )
    assert listed.flags == ["--prerelease", "allow", "--require-hashes", "--find-links", "wheels"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "six\n-r nope.txt\n",
            "nope.txt: cannot be read (No such file or directory); log the model again",
        ),
        (
            "-r ../secret.txt\n",
            "requirements.txt, line 1: '../secret.txt' is not a file of the model folder; put what it lists into the "
            "model's own requirements and log the model again",
        ),
        (
            "-r https://user:secret@host/list.txt\n",
            "requirements.txt, line 1: 'https://***@host/list.txt' is not a file of the model folder; put what it "
            "lists into the model's own requirements and log the model again",
        ),
        (
            "\n-e .\n",
            "requirements.txt, line 2: --editable is not an option that a model's requirements can have "
            "(--constraint, --extra-index-url, --find-links, --index-url, --no-binary, --no-index, --only-binary, "
            "--pre, --prefer-binary, --require-hashes, --requirement, --trusted-host, --use-feature); remove it and "
            "log the model again",
        ),
        (
            "-r 'other.txt\n",
            'requirements.txt, line 1: "-r \'other.txt" cannot be read (No closing quotation); correct it and log '
            "the model again",
        ),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadRequirements) as raised:
        read(tmp_path, requirements=text)
    assert str(raised.value) == message


def test_link_that_leads_out_of_the_model(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("password\n")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "link.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(
        BadRequirements, match=r"^requirements.txt, line 1: 'link.txt' is not a file of the model"
    ):
        read(tmp_path / "model", requirements="-r link.txt\n")


def test_not_text(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadRequirements) as raised:
        requirements_file.read(tmp_path / "requirements.txt", tmp_path)
    assert str(raised.value) == "requirements.txt: cannot be read (not UTF-8 text); log the model again"


PATH = Path("/model/requirements.txt")
names = st.text(string.ascii_lowercase, min_size=1, max_size=8)
pins = st.tuples(names, st.integers(0, 99)).map(lambda pin: f"{pin[0]}=={pin[1]}")
ends = st.sampled_from(["", "  ", " # comment", "\t# a \\ b"])


@given(st.lists(st.tuples(pins, ends, st.integers(0, 2))))
def test_every_requirement_is_found_with_its_line(lines: list[tuple[str, str, int]]) -> None:
    text, expected, number = "", [], 0
    for pin, end, blanks in lines:
        text += "\n" * blanks + pin + end + "\n"
        number += blanks + 1
        expected.append((pin, f"requirements.txt, line {number}"))
    listed = requirements_file.parse(enumerate(text.splitlines(), 1), PATH, PATH.parent)
    assert [(entry.text, entry.origin) for entry in listed.entries] == expected


@given(st.text(string.printable))
def test_any_text_is_a_list_or_a_clear_error(text: str) -> None:
    lines = list(enumerate(text.splitlines(), 1))
    with contextlib.suppress(BadRequirements):
        listed = requirements_file.parse(lines, PATH, PATH.parent)
        assert all(entry.text and not entry.text.startswith(("#", "-")) for entry in listed.entries)
