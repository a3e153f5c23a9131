"""Homes for end-to-end tests: real nodes of one guanxi binary on loopback, each under a folder of its own.

No test sleeps: `guanxi wait` says when something holds, and each wait has a time-out.  Whatever goes wrong, the logs of all homes are printed.
Every node is ended at exit, by the process descriptor taken when it started; no other process is touched.
"""
import atexit
import base64
import collections
import glob
import hashlib
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

TIMEOUT = int(os.environ.get("GX_E2E_TIMEOUT", "120"))  # of each wait, seconds
DONE, FAILED, USAGE, NOT_FOUND, DENIED, TOKEN, TIMED_OUT, DOWN, PASSPHRASE = 0, 1, 2, 3, 4, 5, 6, 69, 77
SKIPPED = 77

Ran = collections.namedtuple("Ran", "code json error stdout stderr")


class Skip(Exception):
    """The machine has not what the rest of a test takes; why."""


class Homes:
    """The homes of one test and the folder they lie in."""

    def __init__(self, binary):
        self.binary = str(pathlib.Path(binary).resolve())
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gx-e2e-"))
        self.list = []
        self.started = time.monotonic()
        self.env = dict(os.environ, NO_COLOR="1", TERM="dumb", HOME=str(self.folder))
        for name in ("GUANXI_HOME", "GUANXI_PROFILE", "GUANXI_PASSPHRASE_CMD", "XDG_RUNTIME_DIR"):
            self.env.pop(name, None)
        # A sanitizer's report of a node in the background would be lost otherwise.
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            self.env[name] = ":".join(filter(None, [self.env.get(name), f"log_path={self.folder}/sanitizer"]))
        # What a command leaks that ends at once matters little, and to look for it takes longer than the command; unit/os/cli* do.
        self.brief = dict(self.env, ASAN_OPTIONS=self.env["ASAN_OPTIONS"] + ":detect_leaks=0")
        atexit.register(self.end)

    def home(self, name):
        self.list.append(Home(self, name))
        return self.list[-1]

    def passphrase(self, text):
        """What is said when a command asks for it.  In a file: what the variable holds lies in the memory of a node."""
        (self.folder / "passphrase").write_text(text + "\n")
        for env in (self.env, self.brief):
            env["GUANXI_PASSPHRASE_CMD"] = f"cat '{self.folder}/passphrase'"

    def end(self):
        for home in self.list:
            home.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def reports(self):
        return [pathlib.Path(p).read_text(errors="replace") for p in sorted(glob.glob(f"{self.folder}/sanitizer*"))]

    def print_logs(self):
        for home in self.list:
            print(f"---- log of {home.name}", flush=True)
            for log in sorted(home.dir.rglob("log")):
                print("\n".join(log.read_text(errors="replace").split("\n")[-80:]))
            if home.pidfd is not None:
                print(home.run("status", code=None, timeout=10))


class Home:
    def __init__(self, homes, name):
        self.homes, self.name, self.dir = homes, name, homes.folder / name
        self.pidfd = self.pid = None
        self.listen = ("127.0.0.1:0", "--no-lan")  # who is met, and when, is what most scripts are about
        self.place = None  # called in a process that becomes its node, before it does

    def run(self, *words, code=DONE, json_out=True, timeout=TIMEOUT, stdin=None):
        """One command.  code: what it must exit with; a tuple: any of them; None: anything."""
        command = [self.homes.binary, "--home", str(self.dir)] + (["--json"] if json_out else []) + [str(w) for w in words]
        env = self.homes.env if words[0] == "up" else self.homes.brief
        place = self.place if words[0] == "up" else None
        done = subprocess.run(command, env=env, input=stdin or "", capture_output=True, text=True, timeout=timeout + 60, preexec_fn=place)
        ran = Ran(done.returncode, parsed(done.stdout) if json_out else None, parsed(done.stderr), done.stdout, done.stderr)
        expected = code if isinstance(code, tuple) else (code,)
        if code is not None and ran.code not in expected:
            raise AssertionError(f"{self.name}: guanxi {' '.join(map(str, words))}: exit {ran.code}, not {code}\n{done.stdout}{done.stderr}")
        return ran

    def __call__(self, *words, **how):
        return self.run(*words, **how).json

    def init(self):
        self("init", "--name", self.name)
        return self

    def up(self, lan=False):
        """On a LAN of loopback alone; else, where nothing else was said, on none: who is met, and when, is what most of these scripts are about."""
        self("up", "-d", "--listen", *(["127.0.0.1:0"] if lan else self.listen))
        self.find()
        return self

    def find(self):
        """The process of the node."""
        if self.pidfd is not None:
            os.close(self.pidfd)
        self.pid = self("status")["node"]["pid"]
        self.pidfd = os.pidfd_open(self.pid)

    def lock(self):
        """Then the node is another process."""
        self("lock")
        self.find()

    def down(self):
        self("down")
        os.close(self.pidfd)
        self.pidfd = None

    def kill(self):
        """kill -9; returns when the process is gone."""
        if self.pidfd is None:
            return
        try:
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass
        select.select([self.pidfd], [], [], 60)
        os.close(self.pidfd)
        self.pidfd = None

    def wait(self, *conditions, timeout=TIMEOUT):
        self("wait", *conditions, "--timeout", timeout, timeout=timeout)

    def show(self, group):
        return self("group", "show", group)

    def send(self, group, text, code=DONE):
        """The acknowledged event, None when it was not acknowledged."""
        ran = self.run("send", group, text, code=code)
        return ran.json["event"] if ran.code == DONE else None

    def lines(self, method, list_of_params):
        """The results of many requests: JSON-RPC lines on the control socket, written without waiting for answers.  An error fails."""
        lines = [json.dumps({"jsonrpc": "2.0", "id": i, "method": method, "params": p}) + "\n" for i, p in enumerate(list_of_params)]
        answers = {}
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(TIMEOUT)
            s.connect(str(self.dir / "guanxi.sock"))
            writer = threading.Thread(target=s.sendall, args=("".join(lines).encode(),))
            writer.start()
            for line in s.makefile("rb"):
                answer = json.loads(line)
                if "error" in answer:
                    raise AssertionError(f"{self.name}: {method}: {answer}")
                answers[answer["id"]] = answer["result"]
                if len(answers) == len(lines):
                    break
            writer.join()
        return [answers[i] for i in range(len(lines))]

    def messages(self, group):
        """event -> text of all it shows."""
        lines = self.run("read", group, "-n", 0, json_out=True).stdout.splitlines()
        return {m["event"]: m["text"] for m in map(json.loads, lines)}

    def refused(self, name, code, *words, **how):
        """The command must fail with this error name and exit code, and say why."""
        ran = self.run(*words, code=code, **how)
        error = (ran.error or {}).get("error", {})
        if error.get("name") != name or error.get("code") != code or not error.get("message"):
            raise AssertionError(f"{self.name}: guanxi {' '.join(map(str, words))}: expected {name}, got {ran.stderr or ran.stdout}")
        return error


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


def same_view(homes, group, timeout=TIMEOUT):
    """Until all show the same members and the same messages; their common view.  Blocks in `wait` for the one that lags behind."""
    until = time.monotonic() + timeout
    while True:
        for home in homes:
            home.wait("--idle")
        views = [home.show(group) for home in homes]
        if len({(v["state_hash"], v["messages_hash"], v["members"], v["count"]) for v in views}) == 1:
            return views[0]
        if time.monotonic() > until:
            raise AssertionError("the homes differ: " + json.dumps(views, indent=1))
        most = max(views, key=lambda v: v["count"])
        for home, view in zip(homes, views):
            if view["messages_hash"] != most["messages_hash"]:
                home.run("wait", "--hash", f"{group}={most['messages_hash']}", "--timeout", 2, code=(DONE, TIMED_OUT))


def until(home, ask, what):
    """What `ask` says, as soon as it holds what is asked for; between two times it blocks in a `wait` whose condition cannot come true."""
    never = json.dumps({"group": "-", "members": 500, "timeout_ms": 100})
    end = time.monotonic() + TIMEOUT
    while True:
        got = ask()
        if what(got):
            return got
        if time.monotonic() > end:
            raise AssertionError(f"{home.name}: {got}")
        home.run("call", "wait", never, code=TIMED_OUT)


def befriend(a, b):
    """One scan and one yes."""
    a("contact", "add", b("id")["card"])
    until(b, lambda: [r["from"] for r in b("requests")["requests"]], lambda names: a.name in names)
    assert b("accept", "@" + a.name)["state"] == "accepted"
    met(a, b)


def met(a, b):
    a.wait("--members", f"@{b.name}=2")
    b.wait("--members", f"@{a.name}=2")


def in_threads(*works):
    """Run all at once; the first exception is raised here."""
    failures = []

    def guarded(work):
        try:
            work()
        except BaseException as failure:  # noqa: B902 - told to the main thread
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


# ---- tokens, taken apart as WIRE.md describes them ----


def token_bytes(token):
    text = token.split(":", 1)[1]
    return base64.b32decode(text + "=" * (-len(text) % 8))


def token_text(body):
    """body: all but the check hash, which is made anew."""
    check = hashlib.blake2b(body, digest_size=32, person=b"gx-token-check").digest()[:4]
    return "GX1:" + base64.b32encode(body + check).decode().rstrip("=")


def altered(token, start, new):
    """The same token with other bytes from `start`, and a check hash that fits."""
    body = bytearray(token_bytes(token)[:-4])
    body[start : start + len(new)] = new
    return token_text(bytes(body))


# ---- a test program ----


def main(test, kind=Homes):
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} GUANXI")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # atexit runs
    homes = kind(sys.argv[1])
    skipped = None
    try:
        try:
            test(homes)
        except Skip as why:
            skipped = why
        for home in homes.list:
            if home.pidfd is not None:
                home.down()  # a clean end is part of every test
        if homes.reports():
            raise AssertionError("a sanitizer complained")
    except BaseException:
        traceback.print_exc()
        homes.print_logs()
        print("\n".join(homes.reports()))
        sys.exit(1)
    if skipped is not None:
        print(f"skipped: {skipped}")
        sys.exit(SKIPPED)
    print(f"passed in {time.monotonic() - homes.started:.1f} s")


def say(*words):
    print(*words, flush=True)


def number(name, default):
    return int(os.environ.get(name, default))
