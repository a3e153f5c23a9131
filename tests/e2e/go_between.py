#!/usr/bin/env -S python3 -B
"""Ann and Cleo are never online together; Ben is, now with the one and now with the other.

Every message arrives, those of one sender in their order; and what Ann is told of hers is true at each stage: queued, held by 1 of 2, and delivered
once she has heard it from Cleo herself.

    go_between.py GUANXI        GX_E2E_ROUNDS=4
"""
import json
import signal
import subprocess

from homes import DONE, TIMED_OUT, TIMEOUT, main, number, same_view, say, until

ROUNDS = number("GX_E2E_ROUNDS", 4)
EACH = 5  # messages of one stay


def states(home, group="tea"):
    """event -> (state, by, of) of what this home wrote."""
    lines = home.run("read", group, "-n", 0).stdout.splitlines()
    return {m["event"]: (m["state"], m["held"]["by"], m["held"]["of"]) for m in map(json.loads, lines) if "held" in m}


def of_sender(home, name):
    lines = home.run("read", "tea", "-n", 0).stdout.splitlines()
    return [m["text"] for m in map(json.loads, lines) if m["text"].startswith(name + " ")]


def interrupted(home, text):
    """A `send` that waits for what cannot come, ended by Ctrl-C once its node has the message."""
    command = [home.homes.binary, "--home", str(home.dir), "send", "tea", text, "--wait", "delivered", "--timeout", str(TIMEOUT)]
    sender = subprocess.Popen(command, env=home.homes.brief, stdin=subprocess.DEVNULL)
    until(home, lambda: of_sender(home, home.name), lambda texts: text in texts)
    sender.send_signal(signal.SIGINT)
    assert sender.wait(TIMEOUT) == -signal.SIGINT


class Watch:
    """`guanxi watch --json` of one group, and the receipts it tells."""

    def __init__(self, home):
        command = [home.homes.binary, "--home", str(home.dir), "--json", "watch", "tea", "--since", "0"]
        self.process = subprocess.Popen(command, env=home.homes.brief, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.states = {}
        self.read_until(lambda note: note["type"] == "message")  # it is subscribed

    def read_until(self, what):
        while True:
            note = json.loads(self.process.stdout.readline())
            if note["type"] == "receipt":
                self.states.setdefault(note["event"], []).append(note["state"])
            if what(note):
                return

    def end(self):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(TIMEOUT) == 0


def go_between(homes):
    ann, ben, cleo = (homes.home(name).init().up() for name in ("ann", "ben", "cleo"))
    ann("group", "new", "tea")
    token = ann("invite", "tea")["token"]
    for home in (ben, cleo):
        home("join", token, "-y", "--timeout", TIMEOUT)
    same_view((ann, ben, cleo), "tea")
    said = {"ann": [], "cleo": []}

    def speak(home, *how, code=DONE):
        said[home.name].append(f"{home.name} {len(said[home.name])}")
        return home.run("send", "tea", said[home.name][-1], *how, code=code)

    # Nobody is there: it waits, and a kill -9 does not end its waiting.
    ben.down()
    cleo.down()
    for _ in range(EACH):
        assert speak(ann).json["state"] == "queued"
    late = speak(ann, "--wait", "sent", "--timeout", 1, code=TIMED_OUT).error["error"]
    assert (late["name"], late["state"], late["held"]) == ("timeout", "queued", {"by": 0, "of": 2}), late
    said["ann"].append("ann is tired of waiting")
    interrupted(ann, said["ann"][-1])
    ann.kill()
    ann.up()
    status = ann("status")
    assert status["outbox"] == EACH + 2 and list(status["queued"].values()) == [EACH + 2], status
    assert set(states(ann).values()) == {("queued", 0, 2)}
    say(f"{EACH + 2} messages are queued, over a time-out, a Ctrl-C and a kill -9")

    # Ben is there.
    watch = Watch(ann)
    ben.up()
    sent = speak(ann, "--wait", "sent", "--timeout", TIMEOUT).json
    assert (sent["state"], sent["held"]) == ("sent", {"by": 1, "of": 2}), sent
    until(ann, lambda: set(states(ann).values()), lambda all_of: all_of == {("sent", 1, 2)})
    assert ann("status")["outbox"] == 0 and ann("status")["queued"] == {}
    speak(ann, "--wait", "delivered", "--timeout", 1, code=TIMED_OUT)
    say("with Ben there, all are held by 1 of 2")

    for turn in range(ROUNDS):
        ann.wait("--idle")
        ann.kill() if turn % 2 else ann.down()
        cleo.up()
        cleo.wait("--count", f"tea={len(said['ann']) + len(said['cleo'])}")
        assert of_sender(cleo, "ann") == said["ann"], "Cleo shows Ann's in another order"
        for _ in range(EACH):
            assert speak(cleo, "--wait", "sent", "--timeout", TIMEOUT).json["held"]["by"] == 1
        cleo.kill() if turn % 2 else cleo.down()
        ann.up()
        ann.wait("--count", f"tea={len(said['ann']) + len(said['cleo'])}")
        assert of_sender(ann, "cleo") == said["cleo"], "Ann shows Cleo's in another order"
        assert set(states(ann).values()) == {("sent", 1, 2)}, states(ann)
        for _ in range(EACH):
            speak(ann, "--wait", "sent", "--timeout", TIMEOUT)
    say(f"{len(said['ann'])} and {len(said['cleo'])} messages went by way of Ben, in {ROUNDS} turns")

    # Now they meet.
    cleo.up()
    last = speak(ann, "--wait", "delivered", "--timeout", TIMEOUT).json
    assert (last["state"], last["held"]) == ("delivered", {"by": 2, "of": 2}), last
    until(ann, lambda: set(states(ann).values()), lambda all_of: all_of == {("delivered", 2, 2)})
    ann.kill()
    ann.up()
    same_view((ann, ben, cleo), "tea")
    assert set(states(ann).values()) == {("delivered", 2, 2)}
    watch.read_until(lambda note: note["type"] == "message" and note["event"] == last["event"])
    watch.end()
    assert all(order in (["sent"], ["delivered"], ["sent", "delivered"]) for order in watch.states.values()), watch.states
    assert any("sent" in order for order in watch.states.values()), watch.states
    for home in (ann, ben, cleo):
        assert [of_sender(home, name) for name in ("ann", "cleo")] == [said["ann"], said["cleo"]]
    say("all are delivered, and all three show them in the order in which they were said")


main(go_between)
