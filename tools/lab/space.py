"""A network of one's own: namespaces that end with the program that made them, one for each node, and gx-forward as the switch between them.

No privilege is needed where users may make namespaces of their own and open /dev/net/tun.  Whatever ends the program, kill -9 included, ends all that it
started, and with the namespaces their devices go.
"""
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000  # linux/sched.h
DEATH_SIGNAL = 1  # linux/prctl.h
SET_DEVICE, TAP, NO_HEAD = 0x400454CA, 0x0002, 0x1000  # linux/if_tun.h
TUN = "/dev/net/tun"
DEVICE = "lan"
PLACES_MAX = 250  # one byte of an address; gx-forward has 256 ports

libc = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """The machine has not what it takes; why."""


def call(function, *arguments):
    if function(*arguments) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def leave_network():
    """Whose namespaces: this user's where that may be; root needs nobody's leave."""
    uid, gid = os.getuid(), os.getgid()
    try:
        call(libc.unshare, NEWUSER | NEWPID | NEWNET)
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w") as f:
                f.write(text)
    except OSError as failure:
        try:
            call(libc.unshare, NEWPID | NEWNET)
        except OSError:
            raise Skip(f"no namespaces can be made here: {failure.strerror}") from None


def wait_for(child, of_all):
    """Until that child ends, with which code; who ends beside it was left behind by somebody and is buried."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the child hears it, too
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    while True:
        pid, status = os.waitpid(-1 if of_all else child, 0)
        if pid == child:
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def enter():
    """Go on in namespaces of one's own.  Returns, in the process that goes on, a folder that goes with it; two others wait for its end.  Raises Skip."""
    if shutil.which("ip") is None:
        raise Skip("there is no program ip: apt-get install iproute2")
    try:
        os.close(os.open(TUN, os.O_RDWR))
    except OSError as failure:
        raise Skip(f"{TUN} cannot be opened: {failure.strerror}") from None
    leave_network()
    sys.stdout.flush()
    first = os.fork()
    if first != 0:
        os._exit(wait_for(first, of_all=False))
    # The first process of a namespace: with it all others end.  It ends when the one that waits for it does, whatever ended that.
    folder = tempfile.mkdtemp(prefix="gx-lab-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    worker = os.fork()
    if worker != 0:
        call(libc.prctl, DEATH_SIGNAL, signal.SIGTERM)
        code = wait_for(worker, of_all=True)
        end_all()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(code)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    return folder


def end_all():
    """Of this namespace, but for who calls it."""
    try:
        os.kill(-1, signal.SIGKILL)
        while True:
            os.wait()
    except (ProcessLookupError, ChildProcessError):
        pass


def ip(*lines, **how):
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True, **how)


class Network:
    """n places, each a network namespace with a device `lan` at 10.77.0.1 and on, and an IPv6 address of that link.  Those on one island are on one LAN."""

    def __init__(self, forward, island_of, seed, pcap=None):
        self.spaces, self.addresses, devices = [], [], []
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        for i in range(len(island_of)):
            call(libc.unshare, NEWNET)
            self.spaces.append(os.open("/proc/self/ns/net", os.O_RDONLY))
            self.addresses.append(f"10.77.0.{i + 1}")
            devices.append(self.device(i))
        call(libc.setns, here, NEWNET)
        os.close(here)
        ports = [f"{island}:{fd}" for island, fd in zip(island_of, devices)]
        self.switch = subprocess.Popen(
            [forward, str(seed), pcap or "", *ports], stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=devices, start_new_session=True, text=True
        )
        for fd in devices:
            os.close(fd)

    def device(self, i):
        fd = os.open(TUN, os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(fd, SET_DEVICE, struct.pack("16sH22x", DEVICE.encode(), TAP | NO_HEAD))
        try:
            with open(f"/proc/sys/net/ipv6/conf/{DEVICE}/accept_dad", "w") as f:
                f.write("0")  # else its address may be used a second later only
        except OSError:
            pass  # no IPv6, or nobody may change how it is
        ip("link set lo up", f"link set {DEVICE} address 02:67:78:00:00:{i:02x}", f"link set {DEVICE} up", *self.has(i))
        return fd

    def has(self, i):
        """How it comes to its address; with the last one routes go, too."""
        return f"addr add {self.addresses[i]}/16 broadcast + dev {DEVICE}", f"route replace 224.0.0.0/4 dev {DEVICE}"

    def move(self, i):
        """Another address: nobody is reached any more where it was."""
        was, n = self.addresses[i], int(self.addresses[i].split(".")[2])
        self.addresses[i] = f"10.77.{(n + 1) % 256}.{i + 1}"
        ip(f"addr del {was}/16 dev {DEVICE}", *self.has(i), preexec_fn=lambda: self.enter_place(i))

    def enter_place(self, i):
        """To be called in a process that is about to become another program."""
        call(libc.setns, self.spaces[i], NEWNET)

    def socket(self, i, family, kind):
        """One that is there, whoever uses it where."""
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.enter_place(i)
        made = socket.socket(family, kind)
        call(libc.setns, here, NEWNET)
        os.close(here)
        return made

    def say(self, line):
        self.switch.stdin.write(line + "\n")
        self.switch.stdin.flush()
        answer = self.switch.stdout.readline().strip()
        if answer == "" or answer.startswith("this"):
            raise AssertionError(f"gx-forward: '{line}': '{answer}'")
        return answer

    def link(self, a, b, delay_ms, jitter_ms=0, loss_ppm=0, bytes_per_s=0, twice_ppm=0, early_ppm=0):
        self.say(f"link {a} {b} {delay_ms * 1000} {jitter_ms * 1000} {loss_ppm} {twice_ppm} {early_ppm} {bytes_per_s}")

    def cut(self, a, b, cut):
        self.say(f"cut {a} {b} {int(cut)}")

    def count(self):
        return json.loads(self.say("count"))

    def end(self):
        """When it returns a capture is whole."""
        self.switch.stdin.close()
        if self.switch.wait() != 0:
            raise AssertionError("gx-forward failed")
