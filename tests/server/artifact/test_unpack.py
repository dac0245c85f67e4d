"""Archives that someone else made: what comes out of them, and what must not."""

from __future__ import annotations

import gzip
import io
import stat
import subprocess
import tarfile
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.artifact.unpack import unpack
from server.errors import BadArtifact, NotAModel
from server.settings import FetchSettings
from tests.server.artifact.fetching import MODEL, content, names

URI = "https://host/model"


def tar(path, *members):
    """Write a .tar.gz of ``members``: names, (name, content) or TarInfo."""
    with tarfile.open(path, "w:gz") as archive:
        for member in ("MLmodel", *members):
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            name, body = member if isinstance(member, tuple) else (member, b"x")
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return path


def zipped(path, *members):
    """Write a .zip of ``members``: names, (name, content) or (ZipInfo, content)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in ("MLmodel", *members):
            archive.writestr(*(member if isinstance(member, tuple) else (member, b"x")))
    return path


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "mnt" / "models" / ".fetching" / "content"
    folder.mkdir(parents=True)
    return folder


def refused(archive, target, kind=BadArtifact, **limits):
    before = content(target.parents[2])
    with pytest.raises(kind) as caught:
        unpack(archive, target, URI, FetchSettings(**limits))
    assert content(target.parents[2]) == before
    return str(caught.value)


@pytest.mark.parametrize("top", ["", "./", "iris/", "./iris/"])
@pytest.mark.parametrize("form", ["tgz", "zip"])
def test_at_the_top_or_in_the_only_folder(tmp_path, target, form, top):
    path = tmp_path / f"archive.{form}"
    if form == "tgz":
        with tarfile.open(path, "w:gz") as archive:
            archive.add(MODEL, top or ".")
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name, body in content(MODEL).items():
                archive.writestr(top + name, body)
    unpack(path, target, URI, FetchSettings())
    assert content(target) == content(MODEL)


def test_not_at_the_top(tmp_path, target):
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/iris/MLmodel", "x")
        archive.writestr("b/iris/MLmodel", "x")
    assert refused(path, target, NotAModel) == (
        f"{URI}: no MLmodel file among its 2 files; give the folder that MLflow logged, not its parent or a file in it"
    )


OUTSIDE = ["../evil", "code/../../evil", "/etc/cron.d/evil", "..\\evil", "a//b", ".fetching/moving"]


@pytest.mark.parametrize("make", [tar, zipped])
@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_lead_out(tmp_path, target, make, name):
    archive = make(tmp_path / ("archive.zip" if make is zipped else "archive.tgz"), name)
    assert refused(archive, target).startswith(f"{URI}: the file name {name!r} ")


@pytest.mark.parametrize("make", [tar, zipped])
def test_names_that_differ_only_in_case(tmp_path, target, make):
    archive = make(tmp_path / ("archive.zip" if make is zipped else "archive.tgz"), "mlMODEL")
    assert refused(archive, target).startswith(
        f"{URI}: the file names 'MLmodel' and 'mlMODEL' cannot both be written"
    )


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE]
)
def test_links_and_devices_in_a_tar_archive(tmp_path, target, kind):
    info = tarfile.TarInfo("code")
    info.type, info.linkname = kind, "MLmodel"
    assert refused(tar(tmp_path / "archive.tgz", info), target) == (
        f"{URI}: 'code' in the archive is a link or a special file; nothing is unpacked: "
        "make the archive of regular files"
    )


def test_a_link_in_a_zip_archive(tmp_path, target):
    info = zipfile.ZipInfo("code")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert refused(zipped(tmp_path / "archive.zip", (info, "/etc")), target) == (
        f"{URI}: 'code' in the archive is a link or a special file; nothing is unpacked: "
        "make the archive of regular files"
    )


def test_an_encrypted_zip_archive(tmp_path, target):
    path = zipped(tmp_path / "archive.zip", "weights")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert refused(path, target) == (f"{URI}: 'MLmodel' is encrypted; make the archive without a password")


@pytest.mark.parametrize("make", [tar, zipped])
def test_a_bomb(tmp_path, target, make):
    """10 MB of zeros in 10 kB: refused by what it would become."""
    archive = make(
        tmp_path / ("archive.zip" if make is zipped else "archive.tgz"), ("weights", b"\0" * 10_000_000)
    )
    assert archive.stat().st_size < 20_000
    assert refused(archive, target, max_bytes=1_000_000) == (
        f"{URI}: has more than 1.0 MB; raise FETCH_MAX_BYTES (1000000) if it should"
    )


@pytest.mark.parametrize("make", [tar, zipped])
def test_a_bomb_of_files(tmp_path, target, make):
    archive = make(tmp_path / ("archive.zip" if make is zipped else "archive.tgz"), *map(str, range(100)))
    assert refused(archive, target, max_files=50) == (
        f"{URI}: has more than 50 files; raise FETCH_MAX_FILES if it should"
    )


def test_a_bomb_of_folders(tmp_path, target):
    folders = [tarfile.TarInfo(str(number)) for number in range(100)]
    for info in folders:
        info.type = tarfile.DIRTYPE
    assert refused(tar(tmp_path / "archive.tgz", *folders), target, max_files=50) == (
        f"{URI}: has more than 50 files; raise FETCH_MAX_FILES if it should"
    )


def test_a_bomb_in_the_header_of_a_tar_archive(tmp_path, target):
    """A name of 100 MB, which the library would read at once."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 100_000_000
    with gzip.open(tmp_path / "archive.tgz", "wb") as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(100):
            file.write(b"a" * 1_000_000)
    assert refused(tmp_path / "archive.tgz", target) == (
        f"{URI}: the archive cannot be read (a header of 100000256 bytes); make it again"
    )


def test_a_chain_of_long_names_in_a_tar_archive(tmp_path, target):
    """Each header says that the name follows: the library calls itself for each."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1
    with gzip.open(tmp_path / "archive.tgz", "wb") as file:
        file.write((info.tobuf(tarfile.GNU_FORMAT) + b"a".ljust(512, b"\0")) * 5000)
    assert refused(tmp_path / "archive.tgz", target).startswith(f"{URI}: the archive cannot be read (")


@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_a_sparse_file_in_a_tar_archive(tmp_path, target, form):
    """Its map may have any number of holes, each of which the library looks for at every read."""
    (tmp_path / "MLmodel").write_text("flavors: {}")
    with (tmp_path / "weights").open("wb") as file:
        for hole in range(1, 200):
            file.seek(hole * 8192)
            file.write(b"x")
    archive = tmp_path / "archive.tgz"
    subprocess.run(
        ["tar", "-S", f"--format={form}", "-czf", archive, "-C", tmp_path, "MLmodel", "weights"], check=True
    )
    assert refused(archive, target) == (
        f"{URI}: 'weights' in the archive is sparse, so that its size does not tell what it costs to read; "
        "make the archive without --sparse"
    )


def test_a_file_with_more_headers_than_content_in_a_tar_archive(tmp_path, target):
    info = tarfile.TarInfo("weights")
    info.pax_headers = {"comment": "a" * 100_000}
    message = refused(tar(tmp_path / "archive.tgz", info), target)
    assert message.startswith(f"{URI}: 'weights' in the archive has headers of 10")
    assert message.endswith(" bytes, and may have 65536; make the archive again")


BROKEN = {
    "nothing.tgz": b"",
    "text.tgz": b"hello",
    "cut.tgz": None,
    "nothing.zip": b"",
    "text.zip": b"hello",
    "cut.zip": None,
}


@pytest.mark.parametrize(("name", "body"), BROKEN.items(), ids=BROKEN)
def test_an_archive_that_is_none(tmp_path, target, name, body):
    path = tmp_path / name
    if body is None:
        whole = (zipped if path.suffix == ".zip" else tar)(path, ("weights", bytes(range(256)) * 100))
        body = whole.read_bytes()[:-200]
    path.write_bytes(body)
    assert refused(path, target).startswith(f"{URI}: the archive cannot be read (")


def test_a_zip_archive_whose_bytes_were_changed(tmp_path, target):
    path = zipped(tmp_path / "archive.zip")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 16] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadArtifact) as caught:
        unpack(path, target, URI, FetchSettings())
    assert (
        str(caught.value)
        == f"{URI}: the archive cannot be read (Bad CRC-32 for file 'MLmodel'); make it again"
    )


@given(data=st.data())
@settings(max_examples=150, deadline=None)
@pytest.mark.parametrize("make", [tar, zipped])
def test_broken_bytes_are_an_error_of_ours(tmp_path_factory, data, make):
    """Whatever is changed in an archive: a ServerError or a model, and nothing outside the folder."""
    scratch = tmp_path_factory.mktemp("fuzz")
    target = scratch / "mnt" / "models" / ".fetching" / "content"
    target.mkdir(parents=True)
    path = make(
        scratch / ("archive.zip" if make is zipped else "archive.tgz"), ("weights", b"x" * 500), "code/a.py"
    )
    body = bytearray(path.read_bytes() if make is zipped else gzip.decompress(path.read_bytes()))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(body if make is zipped else gzip.compress(bytes(body)))
    with suppress(BadArtifact, NotAModel):
        unpack(path, target, URI, FetchSettings())
    assert names(scratch) == [path.name, "mnt"]
    assert names(scratch / "mnt" / "models") == [".fetching"]
    assert names(scratch / "mnt" / "models" / ".fetching") == ["content"]


def test_a_tar_archive_is_not_read_beyond_the_limit(tmp_path, target):
    """Announced sizes count before what they announce: here it is not even there."""
    info = tarfile.TarInfo("weights")
    info.size = 10_000_000
    path = tmp_path / "archive.tgz"
    path.write_bytes(gzip.compress(info.tobuf()))
    assert refused(path, target, max_bytes=1_000_000) == (
        f"{URI}: has more than 1.0 MB; raise FETCH_MAX_BYTES (1000000) if it should"
    )


def test_folders_of_a_zip_archive_count(tmp_path, target):
    path = zipped(tmp_path / "archive.zip", *((f"{number}/", b"") for number in range(9)))
    unpack(path, target, URI, FetchSettings(max_files=10))
    assert refused(path, target, max_files=9) == (
        f"{URI}: has more than 9 files; raise FETCH_MAX_FILES if it should"
    )
