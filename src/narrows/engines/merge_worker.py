"""The process that runs merge statements, one at a time, behind walls of the operating system.

DuckDB's own `memory_limit` and `interrupt()` do not bound one value: `lpad('x', 2000000000, 'y')`
ran 21 seconds and took 3.9 GB. So the process has limits, no network, no environment, and is
killed by its pool at the deadline.
"""

import contextlib
import ctypes
import os
import resource
import sys

_ADDRESS_SPACE_BYTES = 4 * 1024**3
"""Not below 1 GB: at 400 MB DuckDB died of SIGSEGV."""
_CPU_S = 60
_MERGES_A_DATABASE = 1_000
"""DuckDB keeps about 1 kB of each cursor until the database is closed."""
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


def main() -> None:
    """Nothing; answers frames from standard input until it ends."""
    isolated = _confine()
    # After `_confine`: these start threads, and a process with threads cannot leave its network.
    from narrows.engines.frames import Frame, encode_frame, read_frame
    from narrows.engines.merge_run import fresh_connection, run_merge

    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    output.write(encode_frame(Frame({"ready": True, "isolated": isolated})))
    output.flush()
    database = fresh_connection()
    merges = 0
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        _allow_cpu()
        # Tables are temporary views of a cursor, gone with it: no merge sees those of another.
        connection = database.cursor()
        reply = run_merge(connection, frame)
        connection.close()
        output.write(encode_frame(reply))
        output.flush()
        merges += 1
        if "error" in reply.document or merges % _MERGES_A_DATABASE == 0:
            # A fatal error ends a DuckDB database for good. A fresh one costs 10 ms, while idle.
            database.close()
            database = fresh_connection()


def _confine() -> bool:
    """Whether the process could leave the network; limits are always set."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    isolated = False
    with contextlib.suppress(OSError, AttributeError):
        isolated = ctypes.CDLL(None).unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
    return isolated


def _allow_cpu() -> None:
    """Nothing; the soft limit is moved, since the kernel counts over the process's whole life."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + _CPU_S, hard))


if __name__ == "__main__":
    main()
