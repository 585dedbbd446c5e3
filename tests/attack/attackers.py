"""What attacks have in common: bodies, how a server feels from outside, and what it costs."""

import multiprocessing
import os
import re
import time

from running_server import read_until_closed

LONG = bool(os.environ.get("TINYLLM_LONG"))


def memory_mb(server, which="VmRSS"):
    status = open(f"/proc/{server.process.pid}/status").read()
    return int(re.search(rf"{which}:\s+(\d+)", status)[1]) / 1024


def peak_memory_mb(server):
    return memory_mb(server, "VmHWM")


def cpu_seconds(server):
    """What all threads of the server have computed so far: it does not grow with a busy neighbour."""
    fields = open(f"/proc/{server.process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def head(path, length, *headers, host="localhost"):
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json", f"Content-Length: {length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def status_of(answer):
    assert answer.startswith(b"HTTP/1.1 "), answer[:200]
    return int(answer[9:12])


def ask_raw(server, data, seconds=20):
    """The answer to these bytes on a connection of their own."""
    with server.connect() as connection:
        connection.sendall(data)
        return read_until_closed(connection, seconds)


def health_times(server, n=200):
    """Seconds of so many GET /health, sorted, each on a connection of its own."""
    times = []
    for _ in range(n):
        started = time.monotonic()
        assert server.get("/health", timeout=10).status == 200
        times.append(time.monotonic() - started)
        time.sleep(0.005)
    return sorted(times)


class Crowd:
    """Processes that do something again and again until the end of a with block, at most `seconds`.

    Threads of this process would delay what it measures.
    """

    def __init__(self, do, n=4, seconds=30):
        self.deadline = time.monotonic() + seconds
        fork = multiprocessing.get_context("fork")
        self.processes = [fork.Process(target=self.run, args=(do,), daemon=True) for _ in range(n)]

    def run(self, do):
        os.nice(10)  # attackers have machines of their own
        while time.monotonic() < self.deadline:
            try:
                do()
            except OSError:
                time.sleep(0.01)

    def __enter__(self):
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
            process.join(timeout=30)
