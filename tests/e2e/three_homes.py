#!/usr/bin/env -S python3 -B
"""Three people, one group, through pictures, absence and 50 times kill -9.

A makes a group and a picture.  B joins by it.  A goes away; C joins by a bad photograph of it, through B.  All talk.  Then nodes are killed at
random moments while all three send.  In the end nothing that `send` acknowledged is missing anywhere, and all three show the same.

    three_homes.py GUANXI        GX_E2E_MESSAGES=200 GX_E2E_KILLS=50 GX_E2E_SEED=1
"""
import collections
import random
import subprocess
import threading

from homes import DONE, DOWN, FAILED, TIMEOUT, in_threads, main, number, same_view, say

MESSAGES, KILLS, SEED = number("GX_E2E_MESSAGES", 200), number("GX_E2E_KILLS", 50), number("GX_E2E_SEED", 1)


def door_of(home, invite):
    """Where guests of this invitation reach that home: its door opens once it knows the invitation."""
    for _ in range(200):
        home.wait("--idle")
        for known in home("invites", "tea")["invites"]:
            if known["invite"] == invite and known["at"]:
                return known["at"][0]
    raise AssertionError(f"{home.name} opened no door for {invite}")


def meet(homes):
    a, b, c = (homes.home(name).init().up() for name in ("ann", "ben", "cleo"))
    picture, photo = homes.folder / "invite.png", homes.folder / "invite.jpg"

    a("group", "new", "tea")
    invite = a("invite", "tea", "--png", picture)
    seen = subprocess.run(["zbarimg", "--raw", "-q", picture], check=True, capture_output=True, text=True).stdout
    assert seen == invite["token"] + "\n", f"zbarimg reads {seen!r}"
    say("the picture says exactly the code")

    joined = b("join", picture, "-y", "--timeout", TIMEOUT)
    assert (joined["state"], joined["members"]) == ("member", 2), joined
    a.wait("--members", "tea=2", "--peers", 1)
    door = door_of(b, invite["invite"])
    a.down()
    say("ben joined; ann is away; ben lets guests in at", door)

    subprocess.run(["convert", picture, "-resize", "60%", "-attenuate", "0.4", "+noise", "Gaussian", "-negate", "-quality", "60", photo], check=True)
    joined = c("join", photo, "--at", door, "-y", "--timeout", TIMEOUT)
    assert (joined["state"], joined["members"]) == ("member", 3), joined
    me = next(m["member"] for m in b("group", "members", "tea")["members"] if m["you"])
    assert joined["admitted_by"] == me, joined
    say("cleo joined through ben, by a small, noisy, inverted photograph")

    a.up()
    for home in (a, b, c):
        home.wait("--members", "tea=3", "--peers", 2)
    state = same_view((a, b, c), "tea")
    assert state["members"] == 3
    return a, b, c


def talk(homes):
    """MESSAGES from each to all."""
    sent = {}

    def speak(home):
        for i in range(MESSAGES):
            text = f"{home.name} says {i} \u8336"
            sent[home.send("tea", text)] = text

    in_threads(*(lambda home=home: speak(home) for home in homes))
    assert len(sent) == 3 * MESSAGES
    for home in homes:
        home.wait("--count", f"tea={3 * MESSAGES}")
    view = same_view(homes, "tea")
    for home in homes:
        assert home.messages("tea") == sent, f"{home.name} shows something else than was sent"
    say(f"{MESSAGES} messages each way arrived; messages_hash {view['messages_hash'][:16]}")
    return sent


class Storm:
    """All send while one after the other is killed.  The killer's clock is the number of acknowledgements: the next blow falls after so many."""

    def __init__(self, homes, seed):
        self.homes, self.rng = homes, random.Random(seed)
        self.changed = threading.Condition()
        self.acknowledged, self.codes, self.blows = {}, collections.Counter(), collections.Counter()
        self.up = {home: True for home in homes}
        self.over = False

    def speak(self, home):
        i = 0
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.up[home] or self.over, TIMEOUT)
                if self.over:
                    return
            text = f"{home.name} in the storm {i}"
            # 69: nobody listens.  1: the node went away before it answered.  Neither is an acknowledgement.
            ran = home.run("send", "tea", text, code=(DONE, DOWN, FAILED))
            i += 1
            with self.changed:
                self.codes[ran.code] += 1
                if ran.code == DONE:
                    self.acknowledged[ran.json["event"]] = text
                self.changed.notify_all()

    def strike(self):
        try:
            for _ in range(KILLS):
                home = self.rng.choice(self.homes)
                with self.changed:
                    goal = len(self.acknowledged) + self.rng.randint(1, 6)
                    assert self.changed.wait_for(lambda: len(self.acknowledged) >= goal, TIMEOUT), "nobody gets anything acknowledged"
                home.kill()
                self.blows[home.name] += 1
                with self.changed:
                    self.up[home] = False
                home.up()
                with self.changed:
                    self.up[home] = True
                    self.changed.notify_all()
        finally:
            with self.changed:
                self.over = True
                self.changed.notify_all()


def three_homes(test):
    homes = meet(test)
    sent = talk(homes)
    say(f"{KILLS} times kill -9, seed {SEED}")
    storm = Storm(homes, SEED)
    in_threads(storm.strike, *(lambda home=home: storm.speak(home) for home in homes))
    view = same_view(homes, "tea")
    sent.update(storm.acknowledged)
    for home in homes:
        shown = home.messages("tea")
        missing = {event: text for event, text in sent.items() if shown.get(event) != text}
        assert not missing, f"{home.name} lost {len(missing)} acknowledged messages: {missing}"
    unacknowledged = view["count"] - len(sent)
    say(
        f"killed {dict(storm.blows)}; {len(storm.acknowledged)} acknowledged in the storm, none lost; "
        f"{unacknowledged} stored before their acknowledgement could be given; exit codes {dict(storm.codes)}"
    )
    # A storm in which nothing was sent, or nobody was hit, would prove nothing.
    assert sum(storm.blows.values()) == KILLS and len(storm.acknowledged) >= KILLS
    assert view["count"] >= len(sent) and view["state"] == "member"


main(three_homes)
