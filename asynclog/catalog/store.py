"""The catalog's file: SQLite, one row a segment, written in batches.

Whatever is wrong with it is a sentence, never an error: what it can't tell is read again.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator

from asynclog.catalog.entry import Entry, layout_of, pack, unpack
from asynclog.catalog.state_folder import Place
from asynclog.records.fields import MXCP_FIELDS, Fields

_FORMAT = 1
_BATCH, _BATCH_BYTES = 1000, 8 << 20  # rows, and bytes in them, a transaction
# A row that a fault of the disk has given other types is not for us.
_ALL = "SELECT name, entry FROM segment WHERE typeof(name) = 'blob' AND typeof(entry) = 'blob'"
_ONE = f"{_ALL} AND name = ?"
# A damaged schema is quoted in the error, and need not be text.
_FAULTS = (sqlite3.Error, UnicodeDecodeError)
# Errors that a new file would not mend: it is in use, or may not be written, or the disk is full or failing.
_UNUSABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
_TABLE = "CREATE TABLE IF NOT EXISTS segment (name BLOB PRIMARY KEY, entry BLOB NOT NULL) WITHOUT ROWID"


class Catalog:
    """The entries of one log. `problem` says why it is not used any more; `rebuilt` that it was begun anew."""

    def __init__(
        self, state: str, folder: str, base: str, *, fields: Fields = MXCP_FIELDS, patience: float = 2.0
    ) -> None:
        """Return the catalog in this state folder for the log with this base name in that folder.

        What was read by other `fields` it does not know.
        `patience` is how long another job that writes to it is waited for (seconds).
        """
        self.path = state
        self._layout = layout_of(fields)
        self.problem = ""
        self.rebuilt = False
        self._changes: dict[bytes, bytes | None] = {}
        self._noted = 0  # bytes
        self._patience = patience
        self._connection: sqlite3.Connection | None = None
        self._place: Place | None = None
        with self._care():
            self._place = Place(state, folder, base)
            self.path = os.path.join(state, self._place.name)
            self._connection = _connected(self._place, patience)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Yield all entries that can be understood, by the segment's name."""
        with self._care():
            if self._connection is not None:
                for name, packed in self._connection.execute(_ALL):
                    entry = unpack(name, packed, self._layout)
                    if entry is not None:
                        yield os.fsdecode(name), entry

    def get(self, segment: str) -> Entry | None:
        """Return the entry of one segment."""
        name = os.fsencode(segment)
        packed = self._changes.get(name)
        with self._care():
            if packed is None and self._connection is not None:
                row = self._connection.execute(_ONE, (name,)).fetchone()
                packed = row[1] if row else None
        return unpack(name, packed, self._layout) if packed else None

    def put(self, segment: str, entry: Entry | None) -> None:
        """Note the entry of a segment; None for one that is gone."""
        name = os.fsencode(segment)
        self._changes[name] = packed = pack(name, entry, self._layout) if entry else None
        self._noted += len(packed or b"")
        if len(self._changes) >= _BATCH or self._noted >= _BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what was noted, in one transaction."""
        changes, self._changes, self._noted = self._changes, {}, 0
        with self._care():
            if changes and self._connection is not None:
                with self._connection as transaction:
                    transaction.execute("BEGIN IMMEDIATE")
                    gone = [(name,) for name, packed in changes.items() if packed is None]
                    transaction.executemany("DELETE FROM segment WHERE name = ?", gone)
                    rows = [(name, packed) for name, packed in changes.items() if packed is not None]
                    transaction.executemany("REPLACE INTO segment VALUES (?, ?)", rows)

    def close(self) -> None:
        """Write what is left."""
        self.flush()
        self._disconnect()
        if self._place is not None:
            self._place.close()
            self._place = None

    @contextlib.contextmanager
    def _care(self) -> Iterator[None]:
        """Do without the catalog where it can't be used, and begin it anew, once, where it is damaged."""
        try:
            yield
        except OSError as error:
            self._disconnect()
            self.problem = error.strerror or str(error)
        except _FAULTS as error:
            self._disconnect()
            if self.rebuilt or getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNUSABLE:
                self.problem = str(error)
            else:
                self.rebuilt = True
                with self._care():
                    self._begin_anew()

    def _begin_anew(self) -> None:
        if self._place is not None:
            self._place.remove()
            self._connection = _connected(self._place, self._patience)

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None


def _connected(place: Place, patience: float) -> sqlite3.Connection:
    """Return a connection to a catalog of our format, which has opened all its files. Raise sqlite3.Error, or OSError.

    A job may be opened by one thread and run by another, but no two use it at the same time.
    """
    path = place.prepare()
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    try:
        connection.text_factory = bytes
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in {0, _FORMAT}:
            raise sqlite3.DatabaseError(f"format {version}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if not version:
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version = {_FORMAT}")
        place.confirm()
    except BaseException:
        connection.close()
        raise
    return connection
