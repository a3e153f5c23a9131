"""Real nodes, each asked over its control socket by one loop that waits for all of them."""
import json
import os
import select
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import time

DOWN = {"message": "it is down", "data": {"name": "down"}}
PEER = "3i"  # struct ucred
READ_BYTES = 1 << 16
LOG_LINES = 40
LISTEN = "0.0.0.0:0"  # wherever it is moved to


class Loop:
    """Calls whoever waits for a descriptor.  Its clock begins at 0 and counts ms."""

    def __init__(self):
        self.selector, self.began = selectors.DefaultSelector(), time.monotonic()

    def now(self):
        return (time.monotonic() - self.began) * 1000

    def watch(self, fd, call):
        self.selector.register(fd, selectors.EVENT_READ, call)

    def forget(self, fd):
        if fd in self.selector.get_map():
            self.selector.unregister(fd)

    def turn(self, until_ms):
        """Waits for one thing at most, and for that time."""
        for key, _ in self.selector.select(max(0, until_ms - self.now()) / 1000):
            if key.fd in self.selector.get_map():  # else an earlier call has ended it
                key.data()

    def until(self, done, end_ms):
        """Whether it was done by then."""
        while not done() and self.now() < end_ms:
            self.turn(end_ms)
        return done()


class Node:
    """state: down, starting, up, paused.  on_lan: it says there that it is there.  heard(node, note) is called for each note of `watch`, shows(node, note) for one of
    `invite`, failed(node, why) when it ends by itself."""

    def __init__(self, loop, network, place, binary, folder, name):
        self.loop, self.network, self.place, self.binary, self.name = loop, network, place, binary, name
        self.dir = os.path.join(folder, f"n{place}")
        self.env = dict(os.environ, NO_COLOR="1", TERM="dumb", HOME=folder)
        for variable in ("GUANXI_HOME", "GUANXI_PROFILE", "GUANXI_PASSPHRASE_CMD", "XDG_RUNTIME_DIR"):
            self.env.pop(variable, None)
        self.state, self.pidfd, self.socket, self.on_lan = "down", None, None, False
        self.starter = self.starter_fd = None
        self.asked, self.later, self.number, self.seq, self.rest = {}, [], 0, 0, b""
        self.heard = self.shows = self.failed = lambda *_: None

    def run(self, *words):
        """One command, in the foreground.  Its JSON, line by line."""
        done = subprocess.run([self.binary, "--home", self.dir, "--json", *words], env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"{self.name}: guanxi {' '.join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def init(self):
        self.run("init", "--name", self.name)

    # ---- up and down ----

    def start(self):
        command = [self.binary, "--home", self.dir, "up", "-d", "--listen", LISTEN, *([] if self.on_lan else ["--no-lan"])]
        self.starter = subprocess.Popen(
            command, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            preexec_fn=lambda: self.network.enter_place(self.place),
        )
        self.starter_fd = os.pidfd_open(self.starter.pid)
        self.loop.watch(self.starter_fd, self.started)
        self.state = "starting"

    def started(self):
        self.loop.forget(self.starter_fd)
        os.close(self.starter_fd)
        said = self.starter.stderr.read().decode(errors="replace")
        self.starter.stderr.close()
        try:
            if self.starter.wait() != 0:
                raise OSError(said.strip())
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(os.path.join(self.dir, "guanxi.sock"))
            pid, _, _ = struct.unpack(PEER, self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(PEER)))
            self.pidfd = os.pidfd_open(pid)
        except OSError as failure:
            self.state = "down"
            self.refuse_all()
            self.failed(self, f"it does not start: {failure}")
            return
        self.loop.watch(self.pidfd, self.gone)
        self.loop.watch(self.socket.fileno(), self.read)
        self.state, self.rest, later, self.later = "up", b"", self.later, []
        self.ask("watch", {"since": self.seq}, lambda *_: None)
        for request in later:
            self.ask(*request)

    def end(self):
        """It is not there any more; nobody answers what it was asked."""
        for fd in (self.pidfd, self.socket.fileno()):
            self.loop.forget(fd)
        os.close(self.pidfd)
        self.socket.close()
        self.state, self.pidfd, self.socket = "down", None, None
        self.refuse_all()

    def refuse_all(self):
        thens = [*self.asked.values(), *(then for _, _, then in self.later)]
        self.asked, self.later = {}, []
        for then in thens:
            then(None, DOWN)

    def gone(self):
        self.end()
        self.failed(self, "it ended by itself")

    def kill(self):
        """kill -9; returns when it is gone, with its last answers read.  False: it was down."""
        self.loop.until(lambda: self.state != "starting", self.loop.now() + 60000)
        if self.state == "down":
            return False
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        select.select([self.pidfd], [], [], 60)
        self.read()
        self.end()
        return True

    def pause(self, stop):
        if self.state != ("up" if stop else "paused"):
            return False
        signal.pidfd_send_signal(self.pidfd, signal.SIGSTOP if stop else signal.SIGCONT)
        self.state = "paused" if stop else "up"
        return True

    def save(self):
        """A copy of its home, as it is on the disk of who was killed."""
        shutil.rmtree(self.dir + ".saved", ignore_errors=True)
        shutil.copytree(self.dir, self.dir + ".saved", ignore=shutil.ignore_patterns("*.sock"))

    def put_back(self):
        """What was saved; other files than before, so it is another life of this device."""
        shutil.rmtree(self.dir)
        shutil.copytree(self.dir + ".saved", self.dir)
        self.seq = 0

    def lose_store(self):
        os.remove(os.path.join(self.dir, "store.mdb"))
        self.seq = 0

    def log(self):
        """Its last lines."""
        try:
            with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as f:
                return f.readlines()[-LOG_LINES:]
        except FileNotFoundError:
            return []

    def store_bytes(self):
        return 512 * os.stat(os.path.join(self.dir, "store.mdb")).st_blocks

    # ---- asking ----

    def ask(self, method, params, then):
        """then(result, None) or then(None, error).  Who is starting is asked as soon as it is up."""
        if self.state == "starting":
            self.later.append((method, params, then))
        elif self.state != "up":
            then(None, dict(DOWN, message=f"it is {self.state}"))
        else:
            self.number += 1
            self.asked[self.number] = then
            line = json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
            try:
                self.socket.sendall(line.encode() + b"\n")
            except (BrokenPipeError, ConnectionResetError):
                pass  # its end is told by the process descriptor

    def read(self):
        """All there is to be read."""
        try:
            while data := self.socket.recv(READ_BYTES, socket.MSG_DONTWAIT):
                *lines, self.rest = (self.rest + data).split(b"\n")
                for line in lines:
                    self.take(json.loads(line))
            self.loop.forget(self.socket.fileno())  # that it ends is told by the process descriptor
        except BlockingIOError:
            pass
        except ConnectionResetError:
            self.loop.forget(self.socket.fileno())

    def take(self, answer):
        if "id" not in answer:
            note = answer["params"]
            if answer["method"] == "invite":
                self.shows(self, note)
                return
            if note["type"] != "receipt":
                self.seq = max(self.seq, note.get("seq", 0))
            self.heard(self, note)
            return
        then = self.asked.pop(answer["id"])
        then(answer.get("result"), answer.get("error"))
