"""On which file systems leases are believed, and what a job asks for on the others."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from audit_log import LOCK, is_clean, looks, record, write_log, write_policy
from command import NOW, cleanup, run
from one_run import run_once

from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.linux.lease_trust import FileSystem, file_system

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = os.geteuid() == 0
OLD, YOUNG = record(), record(days=1)
needs_bindfs = pytest.mark.skipif(not ROOT or not shutil.which("bindfs"), reason="bindfs as root is needed")


def told(tmp_path: Path, *lines: str, folder: str = "/log", number: int = 1, exports: str = "") -> FileSystem:
    """Return what is read from a /proc with these mounts, for a folder of this name on the mount of this number.

    With `exports` there is an NFS server.
    """
    proc = tmp_path / "proc"
    if exports:
        (proc / "fs/nfsd").mkdir(parents=True, exist_ok=True)
        (proc / "fs/nfsd/exports").write_text(f"# Version 1.1\n# Path Client(Flags) # IPs\n{exports}\n")
    for name in ("fdinfo", "fd"):
        (proc / "self" / name).mkdir(parents=True, exist_ok=True)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        (proc / "self/fdinfo" / str(descriptor)).write_text(f"pos:\t0\nflags:\t02100000\nmnt_id:\t{number}\nino:\t2\n")
        link = proc / "self/fd" / str(descriptor)
        link.unlink(missing_ok=True)
        link.symlink_to(folder)
        (proc / "self/mountinfo").write_text("".join(f"{line}\n" for line in lines))
        return file_system(descriptor, str(proc))
    finally:
        os.close(descriptor)


def mounted(kind: str, options: str = "rw", *, number: int = 1, root: str = "/", point: str = "/") -> str:
    """Return a line of mountinfo."""
    return f"{number} 0 0:{number % 10} {root} {point} rw,relatime shared:1 - {kind} none {options}"


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "tmpfs", "zfs", "overlay", "ntfs3"])
def test_leases_are_believed_on_local_file_systems(tmp_path: Path, kind: str) -> None:
    """Each of which this kernel has to itself."""
    assert told(tmp_path, mounted("ext4", number=7), mounted(kind)) == (kind, "")


@pytest.mark.parametrize(
    "kind",
    [
        "fuse",
        "fuse.sshfs",
        "fuseblk",
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "9p",
        "virtiofs",
        "ceph",
        "lustre",
        "gfs2",
        "ocfs2",
        "vfat",
        "exfat",
        "ecryptfs",
        "new",
    ],
)
def test_leases_are_not_believed_anywhere_else(tmp_path: Path, kind: str) -> None:
    """What is not known counts as what others write to."""
    found = told(tmp_path, mounted("ext4", number=7), mounted(kind))
    assert found.kind == kind
    assert kind in found.weak


@pytest.mark.parametrize(
    ("upper", "folder", "weak"),
    [
        ("/data/up", "/data/up", True),
        ("/data/up", "/data/up/a/b", True),
        ("/data/up", "/data/upper", False),
        ("/data/up", "/data", False),
        (r"/data/an\040up\054per", "/data/an up,per/log", True),
        (r"/data/\134x", "/data/\\x", True),
        (r"/data/u\134\054p", "/data/u,p/log", True),
        (r"/data/u\134\134x", "/data/u\\x/log", True),
        ("up", "/data/up/a", True),
        ("../up", "/data/up/a", True),
        ("./x/up", "/data/x/up", True),
        ("up", "/data/a", False),
    ],
)
def test_the_upper_folder_of_an_overlay_is_not_local(tmp_path: Path, upper: str, folder: str, weak: bool) -> None:
    """Nor is any folder in it; names are escaped there, and may be relative to who knows what."""
    overlay = mounted("overlay", f"rw,lowerdir=/low,upperdir={upper},workdir=/work", number=2, point="/merged")
    found = told(tmp_path, mounted("ext4"), overlay, folder=folder)
    assert (found.kind, bool(found.weak)) == ("ext4", weak)
    assert told(tmp_path, mounted("ext4"), overlay, folder="/merged/log", number=2) == ("overlay", "")


def test_an_upper_folder_is_found_through_another_mount(tmp_path: Path) -> None:
    """A part of it may be mounted elsewhere, too: the same place in the same file system counts."""
    overlay = mounted("overlay", "rw,upperdir=/data/up", number=2, point="/merged")
    part = mounted("ext4", number=11, root="/data/up/log", point="/log")
    other = mounted("ext4", number=13, root="/data/up/log", point="/log")
    assert told(tmp_path, mounted("ext4"), overlay, part, folder="/log/a", number=11).weak
    assert not told(tmp_path, mounted("ext4"), overlay, other, folder="/log/a", number=13).weak


def test_an_upper_folder_is_found_by_what_it_is(tmp_path: Path) -> None:
    """Whatever it is called: here the folder that is looked at is in it."""
    overlay = mounted("overlay", f"rw,upperdir={tmp_path.parent}", number=2, point="/merged")
    assert told(tmp_path, mounted("ext4"), overlay, folder="/another/name").weak


@pytest.mark.parametrize(
    ("exports", "folder", "weak"),
    [
        ("/srv\t10.0.0.0/8(rw,root_squash,sync)", "/srv", "/srv"),
        ("/srv\t*(ro,sync)\n/srv/a\t*(sec=sys,rw)", "/srv/a/log", "/srv/a"),
        ("# /srv\t*(rw,sync)", "/srv/log", "/srv"),
        (r"/srv/an\040old\134log" + "\t*(rw)", "/srv/an old\\log/a", "/srv/an old\\log"),
        ("/srv\t*(rw,sync)", "/srv2/log", ""),
        ("/srv/log/a\t*(rw,sync)", "/srv/log", ""),
        ("/\t*(ro,v4root,fsid=0)\n/srv\t*(rw)", "/var/log", ""),
        ("/srv\t*()", "/srv", ""),
        ("nonsense", "/srv", ""),
        ("# nothing", "/srv", ""),
    ],
)
def test_a_folder_that_nfs_exports_is_not_local(tmp_path: Path, exports: str, folder: str, weak: str) -> None:
    """The server's clients may write there; the root of NFSv4 names, and what is for reading, are no such folder."""
    found = told(tmp_path, mounted("ext4"), folder=folder, exports=exports)
    assert found == ("ext4", f"{weak} is exported by NFS, whose clients ignore leases" if weak else "")


def test_an_export_is_found_through_another_mount(tmp_path: Path) -> None:
    """By the same place in the same file system, and by what it is; exports that can't be read are no proof."""
    part = mounted("ext4", number=11, root="/srv/log", point="/log")
    exports = "/srv\t*(rw)"
    assert told(tmp_path, mounted("ext4"), part, folder="/log/a", number=11, exports=exports).weak
    assert told(tmp_path, mounted("ext4"), folder="/another", exports=f"{tmp_path}\t*(rw)").weak
    (tmp_path / "proc/fs/nfsd/exports").unlink()
    (tmp_path / "proc/fs/nfsd/exports").mkdir()
    assert "can't be read" in told(tmp_path, mounted("ext4")).weak


@pytest.mark.parametrize("lines", [[], ["nonsense"], ["1 0 0:1 / / rw"], [mounted("ext4", number=7)]])
def test_a_proc_that_does_not_tell_is_no_proof(tmp_path: Path, lines: list[str]) -> None:
    """Torn, empty, or without the folder's own mount; or there is none at all."""
    assert told(tmp_path, *lines).weak
    assert file_system(0, str(tmp_path / "none")).weak


def test_no_lease_is_asked_for_where_none_is_believed(tmp_path: Path) -> None:
    """FUSE may grant one that means nothing, and refuse for ever: neither says that a segment is in use."""
    (tmp_path / "a").write_bytes(b"")
    folder = os.open(tmp_path, os.O_RDONLY)
    believed, weak = LogDirectory(folder), LogDirectory(folder, "it is on fuse")
    with (tmp_path / "a").open("ab"):
        descriptor = weak.open("a")
        with pytest.raises(BlockingIOError):
            believed.lease(descriptor)
        assert not weak.lease(descriptor)
    with pytest.raises(OSError, match="not supported"):
        weak.open_exclusive("a")
    os.close(descriptor)
    os.close(folder)


@pytest.fixture
def fuse(archive: Path) -> Iterator[Path]:
    """Make the archive's `audit` a folder that is reached through FUSE only."""
    (archive / "audit").rename(archive / "real")
    (archive / "audit").mkdir()
    subprocess.run(["bindfs", "real", "audit"], cwd=archive, check=True)
    yield archive
    subprocess.run(["umount", "--lazy", str(archive / "audit")], check=True)


@needs_bindfs
def test_a_job_on_fuse_needs_consent(fuse: Path) -> None:
    """Exit 2 before anything is touched, the lock included; a dry run says so; who consents has the log cleaned."""
    (fuse / "real" / LOCK).unlink()
    before = looks(fuse / "real")
    done = cleanup(fuse)
    assert done.code == 2
    for word in (str(fuse / "audit"), "fuse", "--weak-leases", "audit.weak_leases: true"):
        assert word in done.error
    done = cleanup(fuse, "-n", "--plan-out", "plan.json")
    assert (done.code, done.result["deleted_per_schema"]) == (0, {"app:1": 1})
    (warning,) = done.result["warnings"]
    assert "--weak-leases" in warning
    assert warning in done.err
    words = ("apply", "plan.json", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--json")
    assert run(*words, cwd=fuse).code == 2
    assert looks(fuse / "real") == before
    assert not (fuse / "real" / LOCK).exists()
    (warning,) = cleanup(fuse, "-n", "--weak-leases").result["warnings"]
    assert "1 segment" in warning
    assert "would be judged by quiet alone" in warning


@needs_bindfs
@pytest.mark.parametrize("told_in", ["words", "profile"])
def test_consent_is_given_by_word_or_profile(fuse: Path, told_in: str) -> None:
    """`--weak-leases`, or `audit.weak_leases: true`. The old file keeps a hidden name until nobody can be at it."""
    for segment in (fuse / "real").glob("logs*"):
        os.utime(segment, (1_700_000_000 + len(segment.name), 1_700_000_000 - len(segment.name)))
    audit = {"path": "audit/logs.jsonl", "schemas": "schemas.yaml", "weak_leases": told_in == "profile"}
    (fuse / "asynclog.yaml").write_text(json.dumps({"asynclog": 1, "profiles": {"default": {"audit": audit}}}))
    words = ["cleanup", "--now", "2026-11-24T00:00:00Z", "--config", "asynclog.yaml"]
    words += ["--weak-leases"] * (told_in == "words")
    done = run(*words, cwd=fuse)
    assert (done.code, "quiet alone" in done.out + done.err) == (0, True)
    (old,) = fuse.glob("audit/.logs-20250101T000000.jsonl.al-old-*")
    assert len(old.read_bytes().splitlines()) == 2
    old.unlink()
    assert is_clean(fuse)


@pytest.mark.skipif(not ROOT, reason="only root may mount an overlay")
def test_a_job_on_an_overlays_upper_folder_needs_consent(archive: Path) -> None:
    """Who writes through the overlay is not seen there; through the overlay itself everything is as on a disk."""
    for name in ("low", "work", "merged"):
        (archive / name).mkdir()
    # Its relative name may well mean any folder of the machine that is called so: no other log's, please.
    upper = (archive / "audit").rename(archive / f"upper-{os.urandom(8).hex()}")
    options = f"lowerdir=low,upperdir={upper.name},workdir=work"
    mount = subprocess.run(["mount", "-t", "overlay", "x", "-o", options, "merged"], cwd=archive, check=False)
    if mount.returncode:
        pytest.skip("no overlay can be mounted here")
    try:
        before = looks(upper)
        done = cleanup(archive, "--path", f"{upper.name}/logs.jsonl")
        assert (done.code, "overlay" in done.error) == (2, True)
        assert looks(upper) == before
        assert cleanup(archive, "--path", "merged/logs.jsonl").result["deleted_per_schema"] == {"app:1": 1}
    finally:
        subprocess.run(["umount", "merged"], cwd=archive, check=True)


@pytest.fixture
def two_disks(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder of an overlay over two file systems, each of which numbers its inodes from 2 on."""
    mounted: list[str] = []

    def mount(kind: str, point: str, *options: str) -> None:
        (tmp_path / point).mkdir()
        if subprocess.run(["mount", "-t", kind, *options, "x", point], cwd=tmp_path, check=False).returncode:
            pytest.skip("no overlay can be mounted here")
        mounted.append(point)

    try:
        mount("tmpfs", "low")
        write_log(tmp_path / "low/others", dict.fromkeys(map(str, range(50)), b""))
        write_log(tmp_path / "low/audit", {"logs.jsonl": YOUNG})
        write_log(tmp_path / "low/mixed", {"logs-20250101T000000.jsonl": OLD + YOUNG})
        mount("tmpfs", "up")
        for name in ("files", "work"):
            (tmp_path / "up" / name).mkdir()
        mount("overlay", "merged", "-o", "lowerdir=low,upperdir=up/files,workdir=up/work")
        yield tmp_path / "merged"
    finally:
        for point in reversed(mounted):
            subprocess.run(["umount", point], cwd=tmp_path, check=True)


@pytest.mark.skipif(not ROOT, reason="only root may mount an overlay")
def test_a_file_of_another_disk_is_another_file(two_disks: Path) -> None:
    """Even if its inode has the same number: else what was appended to an old file would go with its hidden name."""
    audit = two_disks / "audit"
    old = audit / f".logs-20250101T000000.jsonl.al-old-01234567-{len(OLD)}"
    for number in range(100):  # until a new file has the number of the segment
        old.write_bytes(OLD + YOUNG)
        if old.stat().st_ino == (audit / "logs.jsonl").stat().st_ino:
            break
        old.rename(audit / f"other-{number}")
    assert old.stat().st_ino == (audit / "logs.jsonl").stat().st_ino
    (audit / "backup").hardlink_to(old)
    write_policy(two_disks.parent)
    words = ("--path", "merged/audit/logs.jsonl", "--schemas", "schemas.yaml", "--no-catalog", "--now", NOW)
    assert run("cleanup", *words, cwd=two_disks.parent).code == 0
    (late,) = audit.glob("logs*-late-*")
    assert late.read_bytes() == YOUNG


@pytest.mark.skipif(not ROOT, reason="only root may mount an overlay")
def test_a_replacement_is_found_though_its_segment_lies_on_another_disk(two_disks: Path) -> None:
    """A writer comes right after the exchange, and a rotation: what stays would be there twice."""
    segment = two_disks / "mixed/logs-20250101T000000.jsonl"
    rotated = segment.with_name("logs-20250102T000000.jsonl")

    class Rotated(LogDirectory):
        def rename_exchange(self, name: str, other: str) -> None:
            super().rename_exchange(name, other)
            if not rotated.exists():
                with contextlib.suppress(BlockingIOError):
                    os.close(os.open(segment.with_name(name), os.O_WRONLY | os.O_NONBLOCK))
                segment.rename(rotated)
                segment.write_bytes(YOUNG * 2)

    schemas = str(write_policy(two_disks.parent))
    run_once(directory=Rotated, path=str(segment.with_name("logs.jsonl")), schemas=schemas, now=NOW, jobs=1)
    assert {file.name: file.read_bytes() for file in segment.parent.glob("logs*")} == {
        rotated.name: OLD + YOUNG,
        segment.name: YOUNG * 2,
    }


@pytest.mark.skipif(not ROOT, reason="only root may mount an overlay")
def test_a_displaced_file_of_another_disk_is_no_old_file(two_disks: Path) -> None:
    """A job was killed as a rotation's new file had the replacement's name, and the old file's number."""
    segment = two_disks / "mixed/logs-20250101T000000.jsonl"
    rotated = segment.rename(segment.with_name("logs-20250102T000000.jsonl"))
    segment.with_name(f".{segment.name}.al-old-01234567-{len(OLD + YOUNG)}").hardlink_to(rotated)
    segment.write_bytes(YOUNG)
    displaced = segment.with_name(f".{segment.name}.al-new-{segment.stat().st_ino}-{len(YOUNG)}")
    number = rotated.stat().st_ino
    for each in range(100):
        displaced.write_bytes(YOUNG * 2)
        if displaced.stat().st_ino == number:
            break
        displaced.rename(segment.with_name(f"other-{each}"))
    assert displaced.stat().st_ino == number
    write_policy(two_disks.parent)
    words = ("--path", "merged/mixed/logs.jsonl", "--schemas", "schemas.yaml", "--no-catalog", "--now", NOW)
    assert run("cleanup", *words, cwd=two_disks.parent).code == 0
    assert {file.name: file.read_bytes() for file in segment.parent.glob("logs*")} == {
        rotated.name: YOUNG,
        segment.name: YOUNG * 2,
    }
