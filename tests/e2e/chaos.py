#!/usr/bin/env -S python3 -B
"""Many nodes in one group; every two seconds one of them is killed with -9, most often while it answers sends.

In the end nothing that was acknowledged is missing anywhere, and all show the same members and the same messages.  One node in ten is never killed:
the memory of these is printed, over the time, beside that of all.

    chaos.py GUANXI        GX_E2E_NODES=5 GX_E2E_SECONDS=20 GX_E2E_SEED=1
"""
import collections
import json
import pathlib
import random
import socket
import statistics
import threading
import time

from homes import TIMEOUT, in_threads, main, number, same_view, say

NODES, SECONDS, SEED = number("GX_E2E_NODES", 5), number("GX_E2E_SECONDS", 20), number("GX_E2E_SEED", 1)
EVERY = 2.0  # seconds between two blows
BURST = 150  # sends to who is about to be killed: more than a step takes, so that the blow falls between two commits
TALK = 12  # at most, to one of the others at once
TALKERS = 3


def pour(home, texts, acknowledge, wait=None):
    """Sends, all written before an answer is read.  acknowledge(event, text, how many are) for each one that is answered.  The others may be kept or not."""
    lines = []
    for i, text in enumerate(texts):
        params = {"group": "tea", "text": text}
        if wait is not None and i == len(texts) - 1:
            params.update(wait=wait, timeout_ms=5000)
        lines.append(json.dumps({"jsonrpc": "2.0", "id": i, "method": "send", "params": params}) + "\n")
    n = 0
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(TIMEOUT)
            s.connect(str(home.dir / "guanxi.sock"))
            s.sendall("".join(lines).encode())
            for line in s.makefile("rb"):
                answer = json.loads(line)
                # What was waited for in vain is kept all the same, and says so.
                done = answer.get("result") or answer.get("error", {}).get("data", {})
                if "event" in done:
                    n += 1
                    acknowledge(done["event"], texts[answer["id"]], n)
                if answer["id"] == len(lines) - 1:
                    return n
    except (ConnectionError, FileNotFoundError, ValueError):
        pass  # killed; what is half a line is no answer
    return n


class Chaos:
    def __init__(self, homes, seed):
        self.homes, self.rng = homes, random.Random(seed)
        self.spared = homes[:: max(2, min(10, len(homes)))]
        self.hit = [home for home in homes if home not in self.spared]
        self.changed = threading.Condition()
        self.round, self.over = 0, False
        self.acknowledged, self.counts, self.blows = {}, collections.Counter(), collections.Counter()
        self.memory = []  # a round each: {home: (anonymous, of files) in KiB}

    def acknowledge(self, event, text, _):
        with self.changed:
            self.acknowledged[event] = text

    def strike(self, victim, after):
        """Kill it once it has acknowledged so many of the sends that it got; 0: out of the blue."""

        def until_then(event, text, n):
            self.acknowledge(event, text, n)
            if n == after:
                victim.kill()

        texts = [f"{victim.name} in round {self.round}, {i}" for i in range(BURST)]
        n = pour(victim, texts, until_then) if after > 0 else 0
        self.counts["out of the blue"] += after == 0
        victim.kill()
        self.blows[victim.name] += 1
        self.counts["answered under the blow"] += n
        self.counts["not answered"] += (BURST - n) if after > 0 else 0
        victim.up()

    def talk(self, rng):
        seen = 0
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.round > seen or self.over)
                if self.over:
                    return
                seen = self.round
            home = rng.choice(self.homes)
            texts = [f"{home.name} talks in round {seen}, {i}, {rng.getrandbits(32):08x}" for i in range(rng.randint(1, TALK))]
            # The last one waits until another node has it: who talks is not faster than the group.
            n = pour(home, texts, self.acknowledge, wait="sent")
            with self.changed:
                self.counts["said"] += n

    def look(self):
        row = {}
        for home in self.homes:
            try:
                status = pathlib.Path(f"/proc/{home.pid}/status").read_text()
            except FileNotFoundError:
                continue
            kib = {line.split(":")[0]: int(line.split()[1]) for line in status.splitlines() if line.startswith("Rss")}
            if kib:
                row[home.name] = (kib["RssAnon"], kib["RssFile"])
        self.memory.append(row)

    def rage(self):
        end = time.monotonic() + SECONDS
        try:
            while time.monotonic() < end:
                next_blow = time.monotonic() + EVERY
                with self.changed:
                    self.round += 1
                    self.changed.notify_all()
                self.strike(self.rng.choice(self.hit), self.rng.choice((0, 0, 1, 2, 30, 60, 100)))
                self.look()
                with self.changed:  # the beat of the blows: nothing else waits for the clock
                    self.changed.wait_for(lambda: False, max(0, next_blow - time.monotonic()))
        finally:
            with self.changed:
                self.over = True
                self.changed.notify_all()


def say_memory(chaos):
    """Of the first, the middle and the last tenth of the time."""
    spared = {home.name for home in chaos.spared}
    n = len(chaos.memory)
    tenth = max(1, n // 10)
    for what, names in ((f"never killed ({len(spared)})", spared), ("all", {home.name for home in chaos.homes})):
        for at in (0, (n - tenth) // 2, n - tenth):
            rows = [kib for row in chaos.memory[at : at + tenth] for name, kib in row.items() if name in names]
            own, files = zip(*rows)
            median, most, of_files = statistics.median(own), max(own), max(files)
            say(f"memory, {what}, from blow {at + 1} on: median {median / 1024:.1f} MB, most {most / 1024:.1f} MB; of files {of_files / 1024:.1f} MB")


def chaos(test):
    homes = [test.home(f"n{i}").init().up() for i in range(NODES)]
    homes[0]("group", "new", "tea")
    token = homes[0]("invite", "tea")["token"]
    for home in homes[1:]:
        home("join", token, "-y", "--timeout", TIMEOUT)
    assert same_view(homes, "tea")["members"] == NODES
    say(f"{NODES} nodes in one group; one is killed every {EVERY:.0f} s for {SECONDS} s, seed {SEED}")

    storm = Chaos(homes, SEED)
    in_threads(storm.rage, *(lambda i=i: storm.talk(random.Random(f"{SEED} {i}")) for i in range(TALKERS)))
    began = time.monotonic()
    view = same_view(homes, "tea")
    say(f"{sum(storm.blows.values())} blows, {dict(storm.counts)}; the same everywhere {time.monotonic() - began:.1f} s after the last one")
    for home in homes:
        shown = home.messages("tea")
        missing = {event: text for event, text in storm.acknowledged.items() if shown.get(event) != text}
        assert not missing, f"{home.name} lost {len(missing)} of {len(storm.acknowledged)} acknowledged messages: {missing}"
        assert home("status")["outbox"] == 0
    say(
        f"{len(storm.acknowledged)} acknowledged, none lost; {view['count'] - len(storm.acknowledged)} kept before they could be; "
        f"state {view['state_hash'][:16]}, messages {view['messages_hash'][:16]}"
    )
    say_memory(storm)
    # A storm in which nothing was said, or that hit nobody, would prove nothing.
    assert sum(storm.blows.values()) == len(storm.memory) > 0
    assert storm.counts["answered under the blow"] > 0 and storm.counts["not answered"] > 0 and storm.counts["said"] > 0
    assert view["count"] >= len(storm.acknowledged) > 0


main(chaos)
