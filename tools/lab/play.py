"""A scenario file played by real nodes: when what happens, what is expected, and what has to be so in the end, by the simulator's rules where these can be seen
from outside."""
import collections

from .world import LOOK_MS, READY_MS, World

REST_MS = 900000  # as in the simulator
PROBE_MS = 100  # whether all agree after a healing


class Play(World):
    def __init__(self, scenario, *how, patience_ms):
        super().__init__(scenario, *how)
        self.patience_ms = patience_ms
        self.healed_ms = self.probe_ms = None
        self.longest = None  # of all healings: (when, how long until all agreed)
        self.rests = []  # (by the file's clock, how long it took)
        self.looked_ms = 0
        for expect in scenario["expects"]:
            expect.update(looked=False, ok=False, got="")

    def calls(self):
        return {**super().calls(), "healed": self.healed, "rested": self.rested}

    def healed(self, *_):
        self.heal(None)
        return True

    def rested(self, act, away):
        self.rest(act["at_ms"], away)
        return True

    def heal(self, away):
        """And from then on it is looked when all agree."""
        if super().heal(away):
            self.healed_ms = self.probe_ms = self.now()

    # ---- time ----

    def world_ms(self, file_ms):
        """The file's clock stands while it rests."""
        return file_ms + sum(took for at, took in self.rests if at < file_ms)

    def go(self, file_ms):
        """To that time of the file, doing meanwhile what has its own times."""
        until = self.world_ms(file_ms)
        nevers = any(expect["when"] == "never" for expect in self.scenario["expects"])
        self.look("by")
        while self.now() < until:
            next_ms = min([until, *(at for _, at, _ in self.flaps.values()), *(self.by_ms())])
            if nevers:
                next_ms = min(next_ms, self.looked_ms + LOOK_MS)
            if self.probe_ms is not None:
                next_ms = min(next_ms, self.probe_ms)
            self.loop.turn(next_ms + self.zero_ms)
            self.tick(nevers)

    def by_ms(self):
        return [self.world_ms(x["by_ms"]) for x in self.scenario["expects"] if x["when"] == "by" and not x["looked"]]

    def tick(self, nevers):
        for pair, flap in list(self.flaps.items()):
            if flap[1] <= self.now():
                flap[1], flap[2] = flap[1] + flap[0], not flap[2]
                self.set_flap(pair, flap[2])
        if self.probe_ms is not None and self.probe_ms <= self.now():
            self.probe()
        self.look("by")
        if nevers and self.looked_ms + LOOK_MS <= self.now():
            self.looked_ms = self.now()
            self.look("never")

    def probe(self):
        """Of several healings the longest counts; one in which another begins is not over."""
        began = self.now()
        self.probe_ms = began + PROBE_MS
        if self.agree() and all(node.state != "starting" for node in self.nodes):
            self.probe_ms, took = None, began - self.healed_ms
            if self.longest is None or took > self.longest[1]:
                self.longest = (self.healed_ms, took)

    def agree(self):
        """Then it is known, too, who is out, whoever decided it."""
        views = {group: self.shown(group) for group in self.groups}
        same = all(len({view["state_hash"] for view in of.values()}) <= 1 for of in views.values())
        if same:
            self.since = {(n, group): at for (n, group), at in self.since.items() if n in views[group] or n.state != "up"}
        return same

    def rest(self, file_ms, away):
        """Until all agree, nobody has anything left to do, and all is there that is due, or nothing more has come for a while; 15 minutes at most."""
        began = self.now()
        if away is not None:
            self.mark("crash", away)
            away.kill()
        self.heal(away)
        end, calm = self.loop.now() + REST_MS, False
        self.loop.until(lambda: all(node.state != "starting" for node in self.nodes), self.loop.now() + READY_MS)
        self.arrival_ms = self.loop.now()
        while not calm and self.loop.now() < end:
            idle = self.ask_all("wait", {"idle": True, "timeout_ms": 1000})
            still = len(idle) == sum(node.state == "up" for node in self.nodes)
            everything = all(n.name in m.had or n.state != "up" for m in self.messages.values() for n in self.due(m))
            if self.probe_ms is not None:
                self.probe()
            calm = self.agree() and self.probe_ms is None and ((still and everything) or self.loop.now() > self.arrival_ms + self.patience_ms)
            if not calm:
                self.loop.turn(self.loop.now() + PROBE_MS)
        if not calm:
            self.violated("idle", None, "15 minutes after healing there is no rest")
        self.check(away)
        self.rests.append((file_ms, self.now() - began))

    # ---- what has to be so ----

    def due(self, message):
        """Who was a member when it was written, and is.  Nobody, when its author is out, but for who left; nor when none of those who are in had it before its
        author left, or lost it with a store."""
        author, group = message.author, message.group
        left = (author, group) in self.leavers
        alone = not any(node.name in message.had for node in self.nodes if node is not author and (node, group) in self.since)
        if (alone and (left or self.restored.get(author, -1) >= message.asked_ms)) or not (left or self.was_in(author, message)):
            return []
        return [node for node in self.nodes if self.was_in(node, message)]

    def was_in(self, node, message):
        return self.since.get((node, message.group), self.loop.now()) <= message.asked_ms

    def check(self, away):
        for group in self.groups:
            views = self.shown(group)
            if len({view["state_hash"] for view in views.values()}) > 1:
                self.violated("state", None, f"members' nodes differ in {group}: " + ", ".join(f"{n.name} {v['state_hash'][:8]}" for n, v in views.items()))
            seats = max((view["members"] for view in views.values()), default=0) - sum(of == group for _, of in self.lost_seats)
            if seats > len(views) + (away is not None):
                self.violated("state", None, f"{group} has {seats} members, and {len(views)} nodes are one")
        kept = {(n, g): {line["event"] for line in n.run("read", where, "-n", "0")} for g, where in self.groups.items() for n in self.shown(g)}
        lacking, lost = collections.Counter(), collections.Counter()
        for event, message in self.messages.items():
            for node in self.due(message):
                has = event in kept.get((node, message.group), {event}) or (node, message.group) in self.keep_less
                lacking[node, message.author] += node.name not in message.had and node is not away
                lost[node, message.author] += node.name in message.had and not has
        for oracle, found in (("delivery", lacking), ("acked", lost)):
            for (node, author), n in found.items():
                if n > 0:
                    self.violated(oracle, node, f"{n} messages of {author.name} {'are not there' if found is lacking else 'were there, and are not any more'}")

    def delivered(self, group=None):
        due = [(m, n) for m in self.messages.values() if group in (None, m.group) for n in self.due(m)]
        return sum(n.name in m.had for m, n in due), len(due)

    def is_so(self, x):
        """The fact itself, whatever is wanted of it, and what was found."""
        compare = {"=": int.__eq__, "<=": int.__le__, ">=": int.__ge__}[x["compare"]]
        if x["kind"] == "delivered":
            done, due = self.delivered(x["group"])
            return due > 0 and compare(done * 100 // due, x["number"]), f"{done} of {due}"
        if x["kind"] == "reads":
            author, reader, after = self.by_name[x["b"]], self.by_name[x["a"]], self.world_ms(x["after_ms"]) + self.zero_ms
            n = sum(m.author is author and m.asked_ms >= after and reader.name in m.had for m in self.messages.values())
            return n > 0, f"{n} message{'' if n == 1 else 's'}"
        views = self.shown(x["group"])
        if x["kind"] == "is member":
            so = self.by_name[x["a"]] in views
            return so != x["not"], f"{'is' if so else 'is not'} a member"
        if not views:
            return False, "nobody who is up is a member"
        if x["kind"] == "members":
            for node, view in views.items():
                if not compare(view["members"], x["number"]):
                    break
            return compare(view["members"], x["number"]), f"{view['members']} at {node.name}"
        hashes = {view["state_hash"]: node for node, view in views.items()}
        if len(hashes) == 1:
            return True, f"{list(hashes)[0][:8]} on {len(views)} nodes"
        (one, a), (other, b), *_ = hashes.items()
        return False, f"{a.name} has {one[:8]}, {b.name} has {other[:8]}"

    def look(self, when, last=False):
        for x in self.scenario["expects"]:
            early = when == "by" and self.world_ms(x["by_ms"]) > self.now()
            if x["when"] != when or early or (x["looked"] and (when == "by" or not x["ok"])):
                continue
            node = self.by_name[x["a"]] if x["kind"] in ("is member", "reads") else None
            away = node is not None and node.state != "up"
            if away and when == "never" and not last:
                continue
            so, found = self.is_so(x)
            x.update(looked=True, ok=not away and so == (when != "never"), got=f"{node.name} is {node.state}" if away else found)
            if not x["ok"]:
                self.violated("expect", None, f"line {x['line']} does not hold: {x['got']}")

    def play(self):
        acts = self.scenario["acts"]
        end = max([0, *(act["at_ms"] for act in acts), *(x["by_ms"] for x in self.scenario["expects"])])
        for act in acts:
            self.go(act["at_ms"])
            self.act(act)
        self.go(end)
        self.rest(end, None)
        self.look("end", last=True)
        self.look("never", last=True)

    def latencies(self):
        """ms from asking the author's node until each other one showed it, sorted; None, last, where it never did."""
        pairs = [m.had.get(n.name) and round(m.had[n.name] - m.asked_ms) for m in self.messages.values() for n in self.due(m) if n is not m.author]
        return sorted((ms for ms in pairs if ms is not None)) + [ms for ms in pairs if ms is None]
