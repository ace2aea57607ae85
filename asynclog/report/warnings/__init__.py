"""Warnings about a log, its policy and its configuration: sentences that say what to do."""
