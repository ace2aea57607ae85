"""Neighbours: the files beside a log that look as if they belonged to it."""

import msgspec


class Neighbours(msgspec.Struct, frozen=True):
    """Files of the log's folder that begin with its stem but are not segments: how many, and the first 20 names."""

    count: int = 0
    names: list[str] = []
