"""A log in a real folder, cleaned by the library; and the sample that MXCP's own writer wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from audit_log import LOCK, entries
from definitions import written
from hostile import NOW
from one_run import run_once_async

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judge import Definition

SAMPLE = Path(__file__).parent / "data" / "mxcp-sample" / "audit"


class Log:
    """A log `logs.jsonl` in a folder of its own, with its policy beside the folder."""

    def __init__(
        self,
        place: str,
        archive: Mapping[str, bytes],
        policy: Sequence[Definition],
        profile: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the segments, the strangers and the policy, and an asynclog.yaml if there are keys for a profile."""
        self.folder = Path(place, "audit")
        self.folder.mkdir()
        (self.folder / LOCK).touch(0o600)
        for name, content in archive.items():
            (self.folder / name).write_bytes(content)
        self.policy = Path(place, "policy.yaml")
        self.set_policy(policy)
        self._log: dict[str, Any] = {"path": str(self.folder / "logs.jsonl"), "schemas": str(self.policy)}
        if profile is not None:
            configuration = Path(place, "asynclog.yaml")
            document = {"asynclog": 1, "profiles": {"default": {"audit": self._log, **profile}}}
            configuration.write_text(yaml.safe_dump(document), encoding="utf-8")
            self._log = {"config": str(configuration)}

    def set_policy(self, policy: Sequence[Definition]) -> None:
        """Write a policy as YAML."""
        self.policy.write_text(yaml.safe_dump({"schemas": [*map(written, policy)]}), encoding="utf-8")

    async def clean(self, now: str = NOW, dry_run: bool = False) -> dict[str, Any]:
        """Run one job and return its result. Assert that nothing failed, and no judgeable segment was skipped."""
        report = await run_once_async(
            **self._log,
            now=now,
            dry_run=dry_run,
            allow_delete_all=True,
        )
        document = report.document()
        assert (report.exit_code, document["status"]) == (0, "ok")
        result: dict[str, Any] = document["result"]
        skipped = [action["reason"] for action in result["actions"] if action["action"] == "skip"]
        assert (result["segments"]["failed"], result["segments"]["skipped"], result["errors"]) == (0, len(skipped), [])
        assert len(skipped) == result["unjudged"]["segments"]
        return result

    def contents(self) -> dict[str, bytes]:
        """Return the contents of all files in the folder, including hidden ones."""
        return {path.name: path.read_bytes() for path in entries(self.folder)}

    def looks(self) -> dict[str, tuple[int, int, bytes]]:
        """Return inode, mtime and bytes of each file, and when the folder itself last changed."""
        looks = {
            path.name: (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()) for path in entries(self.folder)
        }
        return looks | {".": (0, self.folder.stat().st_mtime_ns, b"")}
