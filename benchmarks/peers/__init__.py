"""The others, each a script of its own that runs in an environment of its own and shares nothing with asynclog.

`census FOLDER THREADS CUTOFFS` prints, per schema key, [records, oldest, newest, expired] as JSON, with the times as
they stand in the records. CUTOFFS is JSON: schema key to the time before which its records have expired, without its
zone. All of them compare times as text, which is the fastest, and right in these archives only: all times are in UTC.
"""
