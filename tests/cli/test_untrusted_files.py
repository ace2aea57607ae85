"""What others could have put there, or may write to, tells a job nothing: configurations, policies, state, the log."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from audit_log import is_clean, looks, write_log, write_policy
from command import NOW, Done, cleanup, run

from asynclog.catalog.entry import Entry
from asynclog.catalog.store import Catalog
from asynclog.segments import Fingerprint
from asynclog.statistics import SegmentStats

if TYPE_CHECKING:
    from collections.abc import Iterator

ANN = 4001
NAMED = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
needs_lists = pytest.mark.skipif(shutil.which("setfacl") is None, reason="setfacl is not installed")


def may_write(path: Path) -> None:
    subprocess.run(["setfacl", "-m", f"u:{ANN}:rwx", str(path)], check=True)


@pytest.fixture
def project(archive: Path) -> Path:
    """Make the archive, a configuration beside it, and a folder of a project below."""
    audit = "{path: audit/logs.jsonl, schemas: schemas.yaml}"
    (archive / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles: {{default: {{audit: {audit}}}}}\n")
    (archive / "below").mkdir()
    return archive


def found(project: Path, *words: str) -> Done:
    """Run a cleanup with the configuration that is found above the working folder."""
    return run("cleanup", "--json", "--now", NOW, *words, cwd=project / "below", deadline=30)


def refused(project: Path, *said: str) -> None:
    """Whoever finds it is told, with exit 2 and before anything is touched; whoever names it uses it."""
    before = looks(project)
    for words in ((), ("--all-profiles",), ("--profile", "default", "--dry-run")):
        done = found(project, *words)
        assert done.code == 2
        for each in (*said, "--config"):
            assert each in done.document["error"]
    assert looks(project) == before
    assert found(project, "--config", str(project / "asynclog.yaml")).code == 0
    assert is_clean(project)


# ---- A configuration that was found.


def test_a_found_configuration_of_ours_is_used(project: Path) -> None:
    """Also through a link of ours."""
    (project / "asynclog.yaml").rename(project / "real.yaml")
    (project / "asynclog.yaml").symlink_to("real.yaml")
    assert found(project).code == 0
    assert is_clean(project)


@needs_root
@pytest.mark.parametrize("name", ["asynclog.yaml", "schemas.yaml"])
def test_a_found_file_of_a_stranger_is_refused(project: Path, name: str) -> None:
    """The configuration, or the audit schema definitions that it names: exit 2 says whose it is."""
    os.chown(project / name, ANN, ANN)
    refused(project, name, str(ANN))


@pytest.mark.parametrize("name", ["asynclog.yaml", "schemas.yaml"])
def test_a_found_file_that_others_may_write_is_refused(project: Path, name: str) -> None:
    """By its mode."""
    (project / name).chmod(0o666)
    refused(project, name, "everybody may write to it")


@needs_root
@needs_lists
@pytest.mark.parametrize("name", ["asynclog.yaml", "schemas.yaml", "."])
def test_a_found_file_that_a_list_opens_is_refused(project: Path, name: str) -> None:
    """Or the folder that it lies in."""
    may_write(project / name)
    refused(project, f"user {ANN} may write to")


@needs_root
def test_a_found_file_in_a_folder_of_a_stranger_is_refused(project: Path) -> None:
    """Its owner could put another file of ours there."""
    os.chown(project, ANN, ANN)
    refused(project, f"belongs to user {ANN}")


@pytest.mark.parametrize(("mode", "code"), [(0o777, 2), (0o1777, 0)])
def test_a_folder_that_others_may_write_to_has_to_be_sticky(project: Path, mode: int, code: int) -> None:
    """As /tmp is: there nobody can replace a file of ours."""
    project.chmod(mode)
    done = found(project)
    assert (done.code, "everybody may write to" in done.out) == (code, code == 2)


@pytest.mark.parametrize("kind", ["link", "second name"])
def test_in_a_sticky_folder_a_file_of_ours_must_be_meant(project: Path, kind: str) -> None:
    """A link, or a hard link, to one that lies elsewhere can have been made by anybody."""
    (project / "asynclog.yaml").rename(project / "below/real.yaml")
    if kind == "link":
        (project / "asynclog.yaml").symlink_to("below/real.yaml")
    else:
        (project / "asynclog.yaml").hardlink_to(project / "below/real.yaml")
    project.chmod(0o1777)
    assert (found(project).code, looks(project / "audit")) == (2, looks(project / "audit"))


@needs_root
def test_a_link_leads_only_through_what_is_ours(project: Path) -> None:
    """A link of a stranger, or one of ours to a file of ours in a folder of theirs."""
    (project / "theirs").mkdir()
    (project / "asynclog.yaml").rename(project / "theirs/asynclog.yaml")
    (project / "asynclog.yaml").symlink_to("theirs/asynclog.yaml")
    os.lchown(project / "asynclog.yaml", ANN, ANN)
    assert (found(project).code, f"belongs to user {ANN}" in found(project).error) == (2, True)
    os.lchown(project / "asynclog.yaml", 0, 0)
    os.chown(project / "theirs", ANN, ANN)
    assert (found(project).code, f"theirs belongs to user {ANN}" in found(project).error) == (2, True)


@pytest.mark.parametrize("kind", ["fifo", "socket", "folder"])
@pytest.mark.parametrize("name", ["asynclog.yaml", "mxcp-site.yml", "schemas.yaml"])
def test_a_found_configuration_is_a_regular_file(project: Path, name: str, kind: str) -> None:
    """A FIFO does not hang it, not even if somebody has it open for writing."""
    (project / ("asynclog.yaml" if name == "mxcp-site.yml" else name)).unlink()
    with ExitStack() as resources:
        if kind == "fifo":
            os.mkfifo(project / name)
            resources.callback(os.close, os.open(project / name, os.O_RDWR))
        elif kind == "socket":
            resources.enter_context(socket.socket(socket.AF_UNIX)).bind(str(project / name))
        else:
            (project / name).mkdir()
        done = found(project)
    assert (done.code, "not a regular file" in done.error) == (2, True)


@needs_root
def test_a_found_configuration_is_no_device(project: Path) -> None:
    """Not even one of root's."""
    (project / "asynclog.yaml").unlink()
    os.mknod(project / "asynclog.yaml", 0o600 | 0o020000, os.makedev(1, 3))
    done = found(project)
    assert (done.code, "not a regular file" in done.error) == (2, True)


@pytest.fixture
def anns() -> Iterator[tuple[Path, list[str]]]:
    """Yield a folder of an ordinary user, and the words that make a command that user's."""
    before = ["setpriv", f"--reuid={ANN}", f"--regid={ANN}", "--clear-groups"]
    words = [*before, shutil.which("true") or "true"]
    if os.geteuid() != 0 or subprocess.run(words, check=False).returncode != 0:
        pytest.skip("only root can become another user")
    before += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]  # python may be in root's home
    with tempfile.TemporaryDirectory() as place:
        os.chown(place, ANN, ANN)
        yield Path(place), before


def test_an_ordinary_user_works_as_ever(anns: tuple[Path, list[str]]) -> None:
    """In a project of their own, with a mask that lets their own group write."""
    folder, before = anns
    folder.chmod(0o775)
    write_policy(folder)
    write_log(folder / "audit", {"logs.jsonl": b""})
    audit = "{path: audit/logs.jsonl, schemas: schemas.yaml}"
    (folder / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles: {{default: {{audit: {audit}}}}}\n")
    for path in folder.rglob("*"):
        os.chown(path, ANN, ANN)
        path.chmod(0o775 if path.is_dir() else 0o664)
    done = run("cleanup", "--json", "--state", str(folder / "state"), cwd=folder, before=before)
    assert (done.code, done.result["warnings"]) == (0, [])
    os.chown(folder / "asynclog.yaml", 0, 0)
    assert run("cleanup", "--json", cwd=folder, before=before).code == 0


# ---- The registry beside the log.


@needs_root
def test_a_registry_that_others_may_write_tells_root_nothing(archive: Path) -> None:
    """It is its owner's matter, whoever that is; named, or where an unsafe folder is allowed, it is used."""
    registry = archive / "audit/logs_schemas.jsonl"
    registry.write_text('{"schema_name": "app", "version": 1, "retention_days": 30}\n')
    os.chown(registry, ANN, ANN)
    words = ("cleanup", "--json", "--now", NOW, "--path", "audit/logs.jsonl", "-n")
    assert run(*words, cwd=archive).code == 0
    registry.chmod(0o666)
    done = run(*words, cwd=archive)
    assert (done.code, "everybody may write to it" in done.error) == (2, True)
    assert run(*words, "--schemas", str(registry), cwd=archive).code == 0
    assert run(*words, "--allow-unsafe-folder", cwd=archive).code == 0


# ---- The log's folder.


@needs_root
@needs_lists
def test_root_refuses_a_log_folder_that_a_list_opens(archive: Path) -> None:
    """As it does where the mode says so."""
    may_write(archive / "audit")
    done = cleanup(archive)
    assert (done.code, f"user {ANN} may write to the log's folder" in done.error) == (2, True)
    assert cleanup(archive, "--allow-unsafe-folder").code == 0
    assert is_clean(archive)


# ---- The state folder.


def told(archive: Path, state: Path, *said: str) -> None:
    """Check that a job that can't use this state folder works without, says so, and leaves nothing anywhere."""
    before = looks(archive)
    done = cleanup(archive, "--dry-run", env={"XDG_STATE_HOME": str(state)})
    assert (done.code, done.result["records"]["deleted"]) == (0, 1)
    (warning,) = done.result["warnings"]
    for each in ("the catalog can't be used", *said):
        assert each in warning
    assert looks(archive) == before


def used(archive: Path, state: Path) -> None:
    done = cleanup(archive, "--dry-run", env={"XDG_STATE_HOME": str(state)})
    assert (done.code, done.result["warnings"]) == (0, [])


@needs_root
def test_a_state_folder_below_a_strangers_is_not_used(archive: Path) -> None:
    """Neither through a link of theirs, nor one that is there, nor would it be made there."""
    home = archive / "home"
    (archive / "target").mkdir(mode=0o700)
    home.mkdir()
    os.chown(home, ANN, ANN)
    told(archive, home / "state", f"{home} belongs to user {ANN}")
    (home / "state").symlink_to(archive / "target")
    told(archive, home / "state", f"{home} belongs to user {ANN}")
    (home / "state").unlink()
    (home / "state/asynclog").mkdir(mode=0o700, parents=True)
    told(archive, home / "state", f"{home} belongs to user {ANN}")


def test_a_state_folder_below_one_that_others_may_write_to(archive: Path) -> None:
    """It is not used unless that is sticky: else they could put another one there."""
    (archive / "open/state").mkdir(parents=True)
    (archive / "open").chmod(0o777)
    told(archive, archive / "open/state", f"everybody may write to {archive / 'open'}")
    (archive / "open").chmod(0o1777)
    used(archive, archive / "open/state")


@needs_root
@needs_lists
@pytest.mark.parametrize("which", ["open", "open/state", "open/state/asynclog"])
def test_a_list_counts_for_the_state_folder_too(archive: Path, which: str) -> None:
    """And for each folder on the way."""
    (archive / "open/state/asynclog").mkdir(mode=0o700, parents=True)
    may_write(archive / which)
    told(archive, archive / "open/state", "may write to")


@needs_root
def test_links_to_the_state_folder_must_be_ours(archive: Path) -> None:
    """As /var/lib may well be one; in a sticky folder anybody can have made it."""
    (archive / "real").mkdir()
    (archive / "link").symlink_to("real")
    used(archive, archive / "link")
    assert (archive / "real/asynclog").is_dir()
    os.lchown(archive / "link", ANN, ANN)
    told(archive, archive / "link", f"a link in {archive} belongs to user {ANN}")
    os.lchown(archive / "link", 0, 0)
    archive.chmod(0o1777)
    told(archive, archive / "link", f"everybody may write to {archive}")


def test_a_link_to_itself_is_no_state_folder(archive: Path) -> None:
    """It is given up, not followed for ever."""
    (archive / "loop").symlink_to("loop")
    told(archive, archive / "loop", "Too many levels of symbolic links")


def test_a_state_folder_that_is_moved_keeps_its_catalog(tmp_path: Path) -> None:
    """What comes in its place gets nothing, and what was learned is found where it has gone."""
    state, log = tmp_path / "state", str(tmp_path)
    catalog = Catalog(str(state), log, "logs.jsonl")
    catalog.put("one", Entry.of(SegmentStats("one", Fingerprint(1, 2, 3, 4, 5)), 10**18))
    catalog.flush()
    state.rename(tmp_path / "moved")
    state.mkdir(mode=0o700)
    catalog.put("two", Entry.of(SegmentStats("two", Fingerprint(1, 2, 3, 4, 5)), 10**18))
    catalog.close()
    assert (catalog.problem, list(state.iterdir())) == ("", [])
    again = Catalog(str(tmp_path / "moved"), log, "logs.jsonl")
    assert [name for name, _ in again.entries()] == ["one", "two"]
    again.close()


def test_the_catalog_is_made_for_its_owner_only(archive: Path) -> None:
    """Whatever the mask is."""
    env = {"XDG_STATE_HOME": str(archive / "state")}
    cleanup(archive, "--dry-run", env=env, before=["sh", "-c", 'umask 0; exec "$@"', "-"])
    (file,) = (archive / "state/asynclog").glob("*.sqlite")
    assert file.stat().st_mode & 0o777 == 0o600
    assert (archive / "state").stat().st_mode & 0o777 == 0o755
