"""A POSIX folder as a store; `directory` is the only module that changes one."""
