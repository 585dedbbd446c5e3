"""A program on a pseudo terminal: type keys, wait for what it shows."""

import codecs
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from fcntl import ioctl

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[=>()][A-Z0-9]?|\x07")
HALF_ESCAPE = re.compile(r"(\x1b(\[[0-9;?]*[ -/]*)?|\r)\Z")  # its other half is still to come


class Terminal:
    def __init__(self, command, env, columns=80):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(str(command[0]), [str(part) for part in command], env)
        ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.raw = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.seen = 0  # characters of `text` that a wait has passed

    @property
    def text(self):
        """What came so far, without escape sequences. It only ever grows at its end."""
        return ESCAPES.sub("", HALF_ESCAPE.sub("", self.raw)).replace("\r\n", "\n")

    def read(self, timeout):
        """False at the end of the program."""
        if not select.select([self.fd], [], [], timeout)[0]:
            return True
        try:
            chunk = os.read(self.fd, 65536)
        except OSError:  # EIO: the other side is closed
            chunk = b""
        self.raw += self.decoder.decode(chunk)
        return bool(chunk)

    def wait_for(self, wanted, timeout=60):
        """Returns what was shown up to and with `wanted`, from where the wait before ended."""
        end = time.monotonic() + timeout
        while True:
            at = self.text.find(wanted, self.seen)
            if at >= 0:
                shown = self.text[self.seen : at + len(wanted)]
                self.seen = at + len(wanted)
                return shown
            if time.monotonic() > end or not self.read(0.05):
                raise AssertionError(f"{wanted!r} was not shown; shown since the last wait: {self.text[self.seen :]!r}")

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def exit_code(self, timeout=60):
        """Of a program that ends by itself; the rest of what it shows is read."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self.read(0.05) and select.select([self.fd], [], [], 0)[0]:
                    pass
                self.pid = None
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"still running after {timeout} s; shown: {self.text[self.seen :]!r}")

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
