"""Runs a program on a terminal of its own and plays somebody who sits there.

    terminal.py PROGRAM [ARGUMENT...] <SCRIPT

Each line of the script is a step:

    expect REGEX     waits for output that matches, after what the last one matched
    send TEXT        types it; escapes as in Python: \\r, \\x03
    resize ROWS COLS changes the window
    signal NAME      sends the program a signal: TERM, KILL
    is raw|settled   how the terminal has to be set by now: raw, or as it was before
    ends CODE        waits for the program's end; -9 for a signal
    hang up          as when a connection is lost
    touch FILE       tells others that it has come so far

The terminal has 80 columns at first, or TERMINAL_COLUMNS. Prints all of the output. Exit code 1 and the step that went wrong on stderr when one does.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

PATIENCE = 60


class Session:
    def __init__(self, argv):
        self.master, self.slave = pty.openpty()
        self.resize(24, int(os.environ.get("TERMINAL_COLUMNS", 80)))
        self.settings = termios.tcgetattr(self.slave)
        self.output = ""
        self.matched = 0
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.master)
            self.login()
            os.execvp(argv[0], argv)

    def login(self):
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(self.slave, fd)
        os.close(self.slave)

    def read(self, seconds):
        if self.master is None or not select.select([self.master], [], [], seconds)[0]:
            return
        self.output += os.read(self.master, 65536).decode("utf-8", "replace")

    def until(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}, after: {self.output[self.matched:]!r}")
            self.read(0.05)

    def resize(self, rows, cols):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(cols), 0, 0))

    def expect(self, regex):
        found = []

        def look():
            match = re.compile(regex).search(self.output, self.matched)
            if match:
                found.append(match.end())
            return bool(match)

        self.until(look, f"no {regex!r}")
        self.matched = found[0]

    def send(self, text):
        os.write(self.master, text.encode().decode("unicode_escape").encode("latin-1"))

    def signal(self, name):
        os.kill(self.pid, getattr(signal, "SIG" + name))

    def check(self, state):
        def is_so():
            settings = termios.tcgetattr(self.slave)
            if state == "raw":
                return not settings[3] & (termios.ICANON | termios.ECHO | termios.ISIG)
            return settings == self.settings
        self.until(is_so, f"the terminal is not {state}")

    def ends(self, code):
        state = []

        def is_over():
            if not state:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    state.append(os.waitstatus_to_exitcode(status))
            return state
        self.until(is_over, "it does not end")
        while self.master is not None and select.select([self.master], [], [], 0)[0]:
            self.read(0)
        if state[0] != int(code):
            raise AssertionError(f"exit code {state[0]}, expected {code}")

    def hang_up(self):
        os.close(self.slave)
        os.close(self.master)
        self.master = None

    def step(self, line):
        verb, _, rest = line.partition(" ")
        if verb == "expect":
            self.expect(rest)
        elif verb == "send":
            self.send(rest)
        elif verb == "resize":
            self.resize(*rest.split())
        elif verb == "signal":
            self.signal(rest)
        elif verb == "is":
            self.check(rest)
        elif verb == "ends":
            self.ends(rest)
        elif verb == "hang":
            self.hang_up()
        elif verb == "touch":
            open(rest, "w", encoding="utf-8").close()
        else:
            raise AssertionError("no such step")


def main():
    session = Session(sys.argv[1:])
    for line in filter(None, (line.strip("\n ") for line in sys.stdin)):
        try:
            session.step(line)
        except AssertionError as error:
            try:
                os.kill(session.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
            print(session.output)
            sys.exit(f"'{line}': {error}")
    print(session.output)


main()
