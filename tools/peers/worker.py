"""Programs that tools/peers.py compares: all stay loaded, one at a time runs, the others are stopped (SIGSTOP).

bench/peer_worker.cpp says what they read and answer.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

ANSWER_LIMIT_S = 900  # for loading too; then the program is killed


class WorkerDied(RuntimeError):
    """A program ended, or was ended at the limit, without an answer."""


class Worker:
    """One program, stopped except during its turn. What it says on stderr goes to a file."""

    def __init__(self, name, command, environment, log):
        self.name, self.log = name, log
        with log.open("w", encoding="utf-8") as stderr:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env={**os.environ, **environment},
            )
        try:
            self.loaded = self.read()
        except WorkerDied:
            self.kill()
            raise
        self.process.send_signal(signal.SIGSTOP)

    def read(self):
        guard = threading.Timer(ANSWER_LIMIT_S, self.process.kill)
        guard.start()
        try:
            for line in self.process.stdout:
                if line.startswith("{"):
                    return json.loads(line)
        finally:
            guard.cancel()
        words = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise WorkerDied(f"ended without an answer{': ' + words[-1] if words else ''} (log: {self.log})")

    def ask(self, what):
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(what + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # read() says so
        answer = self.read()
        self.process.send_signal(signal.SIGSTOP)
        return answer

    def peak_bytes(self):
        """None of a program that was killed while it was stopped: a zombie has no memory."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        found = re.search(r"VmHWM:\s+(\d+)", status)
        return 1024 * int(found[1]) if found else None

    def kill(self):
        self.process.kill()  # ends a stopped process too
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except BrokenPipeError:
                pass


class Workers:
    """The programs of one comparison; one that fails is left out and the others go on. Ends them all on leaving."""

    def __init__(self, log_folder):
        self.log_folder = log_folder
        self.n_started = 0
        self.alive = []
        self.failures = []  # one line each

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self.alive:
            worker.kill()

    def start(self, name, command, environment=None):
        """The worker, None when it cannot be loaded. Two may have the same name; each has its own log."""
        self.n_started += 1
        log = self.log_folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{self.n_started}.log"
        try:
            worker = Worker(name, command, environment or {}, log)
        except (OSError, WorkerDied) as error:
            self.fail(f"{name} {error}")
            return None
        self.alive.append(worker)
        return worker

    def ask(self, worker, what):
        """The answer, {} from a worker that failed, now or before."""
        if worker not in self.alive:
            return {}
        try:
            return worker.ask(what)
        except WorkerDied as error:
            self.leave_out(worker, error)
            return {}

    def peak_bytes(self, worker):
        """The most memory it has held, None of a worker that failed, now or before."""
        if worker not in self.alive:
            return None
        peak = worker.peak_bytes()
        if peak is None:
            self.leave_out(worker, f"was killed while it was stopped (log: {worker.log})")
        return peak

    def leave_out(self, worker, why):
        self.alive.remove(worker)
        worker.kill()
        self.fail(f"{worker.name} {why}")

    def fail(self, words):
        self.failures.append(words)
        print(f"peers: {words}; left out", file=sys.stderr, flush=True)
