"""Stops a child at every file-system call of every thread, by ptrace: there it can be killed, failed, shortened.

Pure Python, no root. The child gives itself a seccomp filter, so that it stops at these calls and at no other; where
a call is to fail it is not carried out, and returns what we say. x86-64 only.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import signal
import struct
import sys
from collections.abc import Callable
from typing import Literal, NamedTuple

from faults.calls import CALLS, stop_at_calls

_VECTORED = {"readv", "writev", "preadv", "pwritev", "preadv2", "pwritev2"}
_COUNTED = {"read", "write", "pread64", "pwrite64"}
_DONE_ANYWAY = {"close"}  # Linux gives the descriptor up whatever it answers

_TRACEME, _CONT, _GETREGS, _SETREGS, _SYSCALL, _SETOPTIONS = 0, 7, 12, 13, 24, 0x4200
_OPTIONS = 0x1 | 0x2 | 0x4 | 0x8 | 0x80 | 0x100000  # marked stops; fork, vfork, clone, seccomp; it dies with us
_SECCOMP_STOP = signal.SIGTRAP | 7 << 8
_RETURN_STOP = signal.SIGTRAP | 0x80
_ALL_THREADS = 0x40000000  # __WALL
_REGISTERS = """
    r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs
"""
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class Call(NamedTuple):
    """A call that is about to be made: its number in this run, from 1, its name, its arguments and its thread."""

    number: int
    name: str
    arguments: tuple[int, ...]
    thread: int


class Verdict(NamedTuple):
    """The verdict on a call: made, never made because the child is killed, failed, made shorter.

    `value` is the error number of a failed call, and how many bytes a shortened one may take.
    """

    kind: Literal["go", "kill", "fail", "shorten"]
    value: int = 0


GO, KILL = Verdict("go"), Verdict("kill")
Hook = Callable[[Call], Verdict]


class _Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulong) for name in re.findall(r"\w+", _REGISTERS)]


def unavailable() -> str:
    """Why nothing can be stepped here; empty where it can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "stepping needs Linux on x86-64"
    seen: list[str] = []

    def noted(call: Call) -> Verdict:
        seen.append(call.name)
        return GO

    try:
        status = stepped(lambda: os.open("/", os.O_RDONLY) and 0, noted)
    except OSError as error:
        return f"ptrace is not to be had here: {error.strerror}"
    return "" if status == 0 and "openat" in seen else "ptrace or seccomp is not to be had here"


def stepped(run: Callable[[], int], hook: Hook) -> int:
    """Run a function in a forked child, ask `hook` before each of its calls; return its status, or minus a signal.

    Nobody else may wait for children of this process meanwhile, other than for one by its id.
    """
    child = os.fork()
    if child == 0:
        try:
            _attach()
            os._exit(run())
        finally:
            os._exit(70)
    os.waitpid(child, _ALL_THREADS)
    _ptrace(_SETOPTIONS, child, _OPTIONS)
    try:
        return _steps(child, hook)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise


def _steps(child: int, hook: Hook) -> int:
    threads = {child}
    failing: dict[int, int] = {}
    number = 0
    _resume(child)
    while True:
        thread, status = os.waitpid(-1, _ALL_THREADS)
        if not os.WIFSTOPPED(status):
            if thread == child:
                return os.waitstatus_to_exitcode(status)
        elif status >> 8 == _SECCOMP_STOP:
            number += 1
            call = _call(number, thread)
            verdict = hook(call)
            if verdict.kind == "fail" and call.name in _DONE_ANYWAY:
                failing[thread] = verdict.value
                _libc.ptrace(_SYSCALL, thread, None, None)
                continue
            _apply(verdict, call, child)
            _resume(thread)
        elif status >> 8 == _RETURN_STOP:
            if thread in failing:
                _set(thread, rax=-failing.pop(thread))
            _resume(thread)
        elif status >> 16:  # a thread has begun another
            _resume(thread)
        elif thread not in threads:
            threads.add(thread)  # its first stop is our doing
            _resume(thread)
        else:
            _resume(thread, os.WSTOPSIG(status))


def _call(number: int, thread: int) -> Call:
    registers = _registers(thread)
    arguments = tuple(getattr(registers, name) for name in ("rdi", "rsi", "rdx", "r10", "r8", "r9"))
    return Call(number, CALLS[registers.orig_rax], arguments, thread)


def _apply(verdict: Verdict, call: Call, child: int) -> None:
    match verdict.kind:
        case "kill":
            os.kill(child, signal.SIGKILL)
        case "fail":
            _set(call.thread, orig_rax=-1, rax=-verdict.value)
        case "shorten" if call.name in _VECTORED:
            _shorten_first(call.thread, call.arguments[1], verdict.value)
            _set(call.thread, rdx=1)
        case "shorten" if call.name in _COUNTED:
            _set(call.thread, rdx=min(call.arguments[2], verdict.value))


def _registers(thread: int) -> _Registers:
    registers = _Registers()
    _ptrace(_GETREGS, thread, ctypes.addressof(registers))
    return registers


def _set(thread: int, **values: int) -> None:
    registers = _registers(thread)
    for name, value in values.items():
        setattr(registers, name, ctypes.c_ulong(value).value)
    _ptrace(_SETREGS, thread, ctypes.addressof(registers))


def _shorten_first(thread: int, vector: int, count: int) -> None:
    """Make the first buffer of a vector shorter, in the child's own memory."""
    with open(f"/proc/{thread}/mem", "r+b", buffering=0) as memory:
        memory.seek(vector + 8)
        (length,) = struct.unpack("Q", memory.read(8))
        memory.seek(vector + 8)
        memory.write(struct.pack("Q", min(length, count)))


def _resume(thread: int, number: int = 0) -> None:
    """Lets a thread go on, with a signal if there is one; it may have been killed meanwhile."""
    _libc.ptrace(_CONT, thread, None, number)


def _ptrace(request: int, thread: int, data: int) -> None:
    if _libc.ptrace(request, thread, None, data) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _attach() -> None:
    """In the child: stop, so that the parent can take hold of it, then be stopped at each of the calls."""
    _ptrace(_TRACEME, 0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
    stop_at_calls()
