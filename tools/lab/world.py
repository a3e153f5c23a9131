"""Real nodes on a network of their own, and what can be done to them: the acts of a scenario file.

What a person asks a node for is asked over its control socket, what happens to a node happens to a process, what happens to a link is told to the switch.
"""
import collections
import time

from .nodes import Loop, Node
from .space import PLACES_MAX, Network

READY_MS = 60000  # to be up
ANSWER_MS = 60000  # to say yes or no
JOIN_MS = 3600000  # how long a node tries; as long as nobody stops it, in the simulator
LOOK_MS = 1000  # what must never be is looked for so often
MEMBER = "member"

# Who is asked for what, with whom, and by which method.
ABOUT = {
    "removed": "group.remove", "banned": "group.ban", "unbanned": "group.unban", "promoted": "group.promote", "demoted": "group.demote",
    "offered": "group.transfer", "invited": "invite",
}
CARRIES = ("all", "recent", "off")
NO_SUCH = {
    "clocks": "the clock of a process is that of its machine",
    "filled": "all homes lie on one disk",
    "turned": "a guanxi node tells no lies",
}
SAME, SAVED, EMPTY = range(3)  # stores to restart with
WITH = ("its own", "an old", "an empty")
UNSEEN = {"repeated": "how often a message came", "pushed": "whether a message came unasked"}


class Refused(Exception):
    """A word of the file that only the simulator knows."""


Violation = collections.namedtuple("Violation", "oracle at_ms node text")


class Message:
    """One that was acknowledged.  had: when each node first showed it, by the loop's clock."""

    def __init__(self, author, group, asked_ms, had):
        self.author, self.group, self.asked_ms, self.had = author, group, asked_ms, had


def refuse(scenario):
    """Before anything runs: what there is not, with line and column."""
    if len(scenario["nodes"]) > PLACES_MAX:
        raise Refused(f" {len(scenario['nodes'])} nodes are for the simulator alone: there are {PLACES_MAX} places")
    for act in scenario["acts"]:
        where, kind = f"{act['line']}:{act['column']}: '{act['text']}'", act["kind"]
        if kind in NO_SUCH:
            raise Refused(f"{where} is for the simulator alone: {NO_SUCH[kind]}")
        if kind == "beaconed" and act["at_ms"] > 0:
            raise Refused(f"{where} is for the simulator alone: a node is on its LAN from its start")
        if kind == "crashed" and act["n"] > 0:
            raise Refused(f"{where} is for the simulator alone: nobody counts the steps of a process")
    for expect in scenario["expects"]:
        if expect["kind"] in UNSEEN:
            raise Refused(f"{expect['line']}:{expect['column']}: '{expect['kind']}' is for the simulator alone: no node tells {UNSEEN[expect['kind']]}")


class World:
    """Its acts are played by whoever knows what time it is (play.py)."""

    def __init__(self, scenario, guanxi, forward, folder, seed, pcap, twice_ppm, early_ppm):
        self.scenario, self.loop, self.zero_ms = scenario, Loop(), 0
        self.twice_ppm, self.early_ppm = twice_ppm, early_ppm
        islands = scenario["island_of"]
        self.network = Network(forward, islands, seed, pcap)
        self.nodes = [Node(self.loop, self.network, i, guanxi, folder, name) for i, name in enumerate(scenario["nodes"])]
        self.by_name = {node.name: node for node in self.nodes}
        for act in scenario["acts"]:
            if act["kind"] == "beaconed":
                self.by_name[act["a"]].on_lan = True
        n = len(scenario["islands"])
        self.links = {(a, b): {"delay_ms": 0, "jitter_ms": 0, "loss_ppm": 0, "bytes_per_s": 0} for a in range(n) for b in range(a, n)}
        self.cuts, self.flaps = set(), {}
        self.groups, self.codes, self.digits = {}, [], {}  # name -> id; (node, group, code); (name, group id) -> what is shown
        self.ids, self.since, self.gone = {}, {}, set()  # of (node, group): member id; member since; removed by somebody
        self.messages, self.heard_before, self.arrival_ms = {}, {}, 0
        self.joins, self.restored, self.keep_less, self.lost_seats = [], {}, set(), set()
        self.tried, self.done = collections.Counter(), collections.Counter()
        self.leavers, self.violations, self.marks = set(), [], []
        self.removals, self.apart = 0, 0

    # ---- before and behind it ----

    def begin(self):
        for (a, b), link in self.links.items():
            self.network.link(a, b, **link, twice_ppm=self.twice_ppm, early_ppm=self.early_ppm)
        for node in self.nodes:
            node.heard, node.shows, node.failed = self.heard, self.shows, self.failed
            node.init()
            node.start()
        self.loop.until(lambda: all(node.state != "starting" for node in self.nodes), self.loop.now() + READY_MS)
        self.zero_ms = self.loop.now()

    def end(self):
        for node in self.nodes:
            if node.state == "paused":
                node.pause(False)
            node.kill()
        self.counts = self.network.count()
        self.network.end()

    def now(self):
        """In the world: since the first act could be."""
        return self.loop.now() - self.zero_ms

    def violated(self, oracle, node, text):
        self.violations.append(Violation(oracle, int(self.now()), node and node.name, text))

    def mark(self, text, node=None):
        """Several nodes to whom the same happens at once are one mark."""
        at = int(self.now())
        if self.marks and self.marks[-1][1] == text and at - self.marks[-1][0] < LOOK_MS and node is not None:
            self.marks[-1][2].append(node.name)
        else:
            self.marks.append((at, text, [node.name] if node else []))

    def failed(self, node, why):
        self.violated("step", node, why)

    # ---- what nodes tell ----

    def heard(self, node, note):
        if note["type"] == "message":
            self.arrival_ms = self.loop.now()
            message = self.messages.get(note["event"])
            had = message.had if message else self.heard_before.setdefault(note["event"], {})
            had.setdefault(node.name, self.loop.now())

    def shows(self, node, note):
        self.digits[node.name, ":" + note["group"]] = note["code"]

    def ask(self, node, method, params):
        """(result, None) or (None, error), when it answers."""
        got = []
        node.ask(method, params, lambda *answer: got.append(answer))
        if not self.loop.until(lambda: got, self.loop.now() + ANSWER_MS):
            return None, {"message": "there is no answer", "data": {"name": "silent"}}
        return got[0]

    def ask_all(self, method, params, nodes=None):
        """Of those that are up and say yes: node -> result."""
        asked, got = [n for n in (nodes or self.nodes) if n.state == "up"], {}
        for node in asked:
            node.ask(method, params, lambda result, error, node=node: got.update({node: result}))
        self.loop.until(lambda: len(got) == len(asked), self.loop.now() + ANSWER_MS)
        return {node: result for node, result in got.items() if result is not None}

    def shown(self, group):
        """What each member's node that is up shows of a group.  How somebody came to be one is not asked; who was removed may not have heard of it."""
        where = self.groups.get(group)
        views = self.ask_all("group.show", {"group": where}) if where else {}
        views = {node: view for node, view in views.items() if view["state"] == MEMBER}
        for node in views:
            if (node, group) not in self.gone:
                self.since.setdefault((node, group), self.loop.now())
        return views

    def member_id(self, node, group):
        """How others write who it is, by its own node while that can be asked."""
        result, _ = self.ask(node, "group.members", {"group": self.groups[group]}) if node.state == "up" else (None, None)
        for row in (result or {}).get("members", []):
            if row.get("you"):
                self.ids[node, group] = ":" + row["member"]
        return self.ids.get((node, group), "@" + node.name)

    # ---- acts of people ----

    def created(self, act, node):
        params = {"name": act["group"], **{key: act[of] for key, of in (("cap", "n"), ("qr_max", "m"), ("history", "ms")) if act[of] > 0}}
        result, _ = self.ask(node, "group.new", params)
        if result:
            self.groups[act["group"]] = ":" + result["group"]
            self.since[node, act["group"]] = self.loop.now()
        return result

    def shown_code(self, act, node):
        params = {"group": self.groups.get(act["group"], "-")}
        if act["n"] > 0:
            params["uses"] = act["n"]
        if act["ms"] > 0:
            params["expires_ms"] = time.time_ns() // 1000000 + act["ms"]
        result, _ = self.ask(node, "invite", params)
        if result:
            self.codes.append((node, act["group"], result["token"]))
        return result

    def revoked(self, act, node):
        result, _ = self.ask(node, "invites", {"group": self.groups.get(act["group"], "-")})
        codes = (result or {}).get("invites", [])
        return codes and self.ask(node, "revoke", {"invite": codes[0]["invite"]})[0]

    def told(self, act, node):
        """Until they are shown; the answer comes when somebody has come in by them, or nobody can any more."""
        place, refused = (node.name, self.groups.get(act["group"], "-")), []
        params = {"group": place[1], "nearby": True, **({"timeout_ms": act["ms"]} if act["ms"] > 0 else {})}
        self.digits.pop(place, None)
        node.ask("invite", params, lambda _, error: error and refused.append(error))
        self.loop.until(lambda: refused or place in self.digits, self.loop.now() + ANSWER_MS)
        return place in self.digits

    def typed(self, act, node):
        digits = self.digits.get((act["b"], self.groups.get(act["group"])))
        if digits and act["n"] > 0:
            digits = str((int(digits[0]) + 1) % 10) + digits[1:]
        return self.join(act, node, {"near": digits} if digits else None)

    def asked(self, act, node):
        codes = [code for by, group, code in self.codes if group == act["group"] and act["b"] in (None, by.name)]
        return self.join(act, node, {"token": codes[-1], "timeout_ms": JOIN_MS} if codes else None)

    def join(self, act, node, params):
        """The answer may take as long as the code's door is out of reach: nobody waits for it here."""
        began = self.loop.now()

        def answered(result, _):
            if result and result.get("state") == MEMBER:
                self.since.setdefault((node, act["group"]), self.loop.now())
                self.gone.discard((node, act["group"]))
                self.joins.append(self.loop.now() - began)

        if not params or node.state not in ("up", "starting"):
            return False
        node.ask("join", params, answered)
        return True

    def sent(self, act, node):
        began, group = self.loop.now(), act["group"]
        text = f"{node.name} says word {self.tried['sent']}"

        def answered(result, _):
            if not result:
                return
            self.done["sent"] += 1
            self.messages[result["event"]] = Message(node, group, began, self.heard_before.pop(result["event"], {}))

        node.ask("send", {"group": self.groups.get(group, "-"), "text": text}, answered)
        return None  # counted when it is answered

    def about(self, act, node):
        other, group = self.by_name[act["b"]], act["group"]
        who = "@" + other.name if act["kind"] == "invited" else self.member_id(other, group)
        params = {"group": self.groups.get(group, "-"), "who": who}
        if act["kind"] == "removed":
            params["yes"] = True
        result, _ = self.ask(node, ABOUT[act["kind"]], params)
        if result and act["kind"] in ("removed", "banned"):
            self.removals += 1
            self.apart += bool(self.cuts)
            self.gone.add((other, group))
            self.since.pop((other, group), None)
        if result and act["kind"] == "invited":
            self.gone.discard((other, group))
        return result

    def in_group(self, method, act, node, **more):
        return self.ask(node, method, {"group": self.groups.get(act["group"], "-"), **more})[0]

    def left(self, act, node):
        result = self.in_group("group.leave", act, node)
        if result:
            self.since.pop((node, act["group"]), None)
            self.leavers.add((node, act["group"]))
        return result

    def renamed(self, act, node):
        return self.in_group("group.alias", act, node, name=act["word"])

    def carried(self, act, node):
        self.keep_less.add((node, act["group"]))
        return self.in_group("group.carry", act, node, carry=CARRIES[act["n"]])

    def looked(self, act, node):
        return self.in_group("group.show", act, node)

    def scanned(self, act, node):
        card, _ = self.ask(self.by_name[act["b"]], "id", {})
        return card and self.ask(node, "contact.add", {"token": card["card"]})[0]

    def accepted(self, act, node):
        return self.ask(node, "accept", {"who": "@" + act["b"]})[0]

    # ---- what happens to the world ----

    def crashed(self, _, node):
        self.mark("crash", node)
        return node.kill()

    def saved(self, _, node):
        self.mark("crash", node)
        was_up = node.kill()
        node.save()
        return was_up

    def restarted(self, act, node):
        if node.state != "down":
            return False
        self.mark(f"restart with {WITH[act['n']]} store", node)
        if act["n"] == SAVED:
            node.put_back()
        elif act["n"] == EMPTY:
            node.lose_store()
            self.lost_seats |= {(n, group) for n, group in self.since if n is node}  # nobody sits there any more, and nobody was removed
            self.since = {(n, group): at for (n, group), at in self.since.items() if n is not node}
        if act["n"] != SAME:
            self.restored[node] = self.loop.now()
        node.start()
        return True

    def paused(self, act, node):
        self.mark("stop" if act["n"] else "go on", node)
        return node.pause(act["n"] != 0)

    def beaconed(self, *_):
        return True  # it has been since it is up

    def moved(self, _, node):
        self.mark("another address", node)
        self.network.move(node.place)
        return True

    def cut(self, act, _):
        self.set_cut(act["a"], act["b"], act["n"] != 0)
        return True

    def set_cut(self, a, b, cut):
        if ((a, b) in self.cuts) == cut:
            return
        (self.cuts.add if cut else self.cuts.discard)((a, b))
        self.network.cut(a, b, cut)
        names = self.scenario["islands"]
        self.mark(f"{'cut' if cut else 'mend'} {names[a]} > {names[b]}")

    def flapped(self, act, _):
        pair = (act["a"], act["b"])
        self.flaps.pop(pair, None)
        if act["ms"] > 0:
            self.flaps[pair] = [act["ms"], self.now(), False]
        else:
            self.set_flap(pair, False)
        return True

    def set_flap(self, pair, cut):
        self.set_cut(*pair, cut)
        self.set_cut(*reversed(pair), cut)

    def linked(self, act, _):
        a, b = sorted((act["a"], act["b"]))
        self.links[a, b] = act["link"]
        self.network.link(a, b, **act["link"], twice_ppm=self.twice_ppm, early_ppm=self.early_ppm)
        return True

    def heal(self, away):
        """Everything is up, linked and right again, but for one.  Whether anything was not."""
        hurt = bool(self.cuts) or any(node.state in ("down", "paused") and node is not away for node in self.nodes)
        self.flaps = {}
        for a, b in list(self.cuts):
            self.set_cut(a, b, False)
        for pair, link in self.links.items():
            if link["loss_ppm"] > 0:
                link = self.links[pair] = {**link, "loss_ppm": 0}
                self.network.link(*pair, **link, twice_ppm=self.twice_ppm, early_ppm=self.early_ppm)
        for node in self.nodes:
            if node is away:
                continue
            if node.state == "down":
                self.mark("restart with its own store", node)
                node.start()
            node.pause(False)
        if hurt:
            self.mark("heal")
        return hurt

    def calls(self):
        """Of each kind of act, who does it: with the act and its node, and says whether it was done."""
        return {
            "created": self.created, "shown": self.shown_code, "revoked": self.revoked, "asked": self.asked, "told": self.told, "typed": self.typed,
            "sent": self.sent, "left": self.left, "renamed": self.renamed, "carried": self.carried, "looked": self.looked, "scanned": self.scanned,
            "accepted": self.accepted, "crashed": self.crashed, "saved": self.saved, "restarted": self.restarted, "paused": self.paused,
            "cut": self.cut, "flapped": self.flapped, "linked": self.linked, "beaconed": self.beaconed, "moved": self.moved,
            **{kind: self.about for kind in ABOUT},
        }

    def act(self, act):
        self.tried[act["kind"]] += 1
        self.done[act["kind"]] += bool(self.calls()[act["kind"]](act, self.by_name.get(act["a"])))
