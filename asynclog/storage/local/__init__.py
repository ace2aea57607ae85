"""A POSIX folder as a store; `directory` is the only module that changes a log, `lock` its lock file."""
