#!/usr/bin/env python3
"""gx-law and a slow model written from proto/LAW.md alone agree on random histories by members who lie.

    tests/prop/law_random.py GX-LAW

GX_CASES=N (300) histories from seed GX_SEED (1) on.  They backdate, claim ranks they have not, fork the owner's log, write from second devices,
hand the group over, use tokens again, copy join requests and leave as a weapon; caps are small so that they are reached.  Every history is given
in two orders of lines.  Counters of what was reached are printed, and none may be zero.  The first difference is printed as a scenario.
"""
import collections
import json
import os
import pathlib
import random
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "vectors"))
import law_model  # noqa: E402

KINDS = {"ADMIT": 36, "TOKEN": 8, "LEAVE": 5, "REMOVE": 6, "BAN": 3, "UNBAN": 3, "REVOKE": 3, "PROMOTE": 8, "DEMOTE": 2, "TRANSFER": 5,
         "CHECKPOINT": 10, "META": 2}
MUST = ["full", "qr_closed", "used_up", "revoked", "quota", "consent", "banned", "author", "issuer", "token", "rank", "target", "left", "owner",
        "mainline", "duplicate", "transfer", "owner fork", "frozen", "mainline longer than 3", "removal concurrent with its target's act",
        "bumped join", "removal wins over an admission", "covered ban"]


class History:
    """One group under attack.  Each operation sees the closure of its deps; a liar's deps are whatever helps it."""

    def __init__(self, rng):
        self.rng = rng
        cap = rng.choice([2, 3, 4, 5, 6, 8])
        self.head = {"cap": cap, "qr_max": rng.randint(1, cap), "owner": "u0", "quota": rng.choice([1, 2, 3, 32])}
        self.people = [f"u{i}" for i in range(rng.randint(3, 8))]
        self.ops, self.seen, self.logs = {}, {}, collections.defaultdict(list)
        self.lying = rng.choice([0.0, 0.1, 0.3, 0.6])
        self.names = rng.sample(range(100, 1000), 150)
        self.put({"author": "u0", "device": 0, "kind": "CREATE", "deps": [], "prev": None})
        for kind, more in self.beginning():
            log = self.logs["u0", 0]
            self.put({"author": "u0", "device": 0, "kind": kind, "deps": self.heads(self.ops), "prev": log[-1], **more})

    def beginning(self):
        """Something to fight about, most times: a member or two, an admin, a token."""
        rng = self.rng
        for person in self.people[1:rng.randint(1, 4)]:
            yield "ADMIT", {"target": person, "via": "INV", "heads": []}
        if rng.random() < 0.6:
            yield "PROMOTE", {"target": "u1"}
        yield "TOKEN", {"uses": rng.choice([0, 1, 2])}

    def put(self, op):
        name = f"e{self.names[len(self.ops)]}"
        known = set(op["deps"]) | ({op["prev"]} if op["prev"] else set())
        self.ops[name] = {"op": name, **op}
        self.seen[name] = known.union(*(self.seen[y] for y in known))
        self.logs[op["author"], op["device"]].append(name)

    def heads(self, some):
        return sorted(x for x in some if not any(x in self.seen[y] for y in some))

    def step(self):
        rng, all_ops = self.rng, list(self.ops)
        if rng.random() < 0.03:
            return self.hand_over_twice()
        if rng.random() < 0.05:
            return self.act_after_leaving()
        if rng.random() < 0.02:
            return self.ban_and_pardon()
        admitted = [o["target"] for o in self.ops.values() if o["kind"] == "ADMIT"]
        author = rng.choice(["u0"] * 6 + admitted * 3 + self.people)
        device = 0 if rng.random() < 0.85 else 1
        log = self.logs[author, device]
        prev = log[-1] if log else None
        if log and rng.random() < 0.15 * (1 + 3 * self.lying):
            prev = rng.choice(log)                                  # a fork
        view = set(all_ops)
        if rng.random() < 0.2 + self.lying:                         # backdated, or out of touch
            view = set()
            for x in rng.sample(all_ops, min(len(all_ops), rng.randint(1, 2))):
                view |= {x} | self.seen[x]
        known = view | ({prev} | self.seen[prev] if prev else set())
        op = {"author": author, "device": device, "kind": rng.choices(list(KINDS), KINDS.values())[0], "deps": self.heads(view), "prev": prev}
        self.fill(op, sorted(known))
        self.put(op)

    def hand_over_twice(self):
        """An owner's device that was copied: two TRANSFERs that do not know each other."""
        log = self.logs["u0", 0]
        for _ in range(2):
            self.put({"author": "u0", "device": 0, "kind": "TRANSFER", "deps": [log[-1]], "prev": log[-1], "target": self.rng.choice(self.people),
                      "accepted": True})
            log = log[:-1]

    def act_after_leaving(self):
        author = self.rng.choice(self.people[1:3])
        for kind in ("LEAVE", self.rng.choice(["REMOVE", "BAN", "UNBAN", "REVOKE"])):
            op = {"author": author, "device": 0, "kind": kind, "deps": self.heads(self.ops), "prev": (self.logs[author, 0] or [None])[-1]}
            if kind != "LEAVE":
                op["target"] = self.rng.choice(self.people)
            self.put(op)

    def ban_and_pardon(self):
        """Banned by one, pardoned by one, invited again: each by the owner, or by who may be no admin."""
        target = self.rng.choice(self.people[1:])
        for kind in ("BAN", "UNBAN", "ADMIT"):
            author = self.rng.choice(["u0", "u0", "u1"])
            heads = self.heads(self.ops)
            op = {"author": author, "device": 0, "kind": kind, "deps": heads, "prev": (self.logs[author, 0] or [None])[-1], "target": target}
            if kind == "ADMIT":
                op.update(via="INV", heads=heads)
            self.put(op)

    def fill(self, op, known):
        rng, kind = self.rng, op["kind"]
        if kind in ("ADMIT", "REMOVE", "BAN", "UNBAN", "PROMOTE", "DEMOTE", "TRANSFER"):
            op["target"] = rng.choice(self.people)
        tokens = [x for x in known if self.ops[x]["kind"] == "TOKEN"] or [x for x in self.ops if self.ops[x]["kind"] == "TOKEN"]
        if rng.random() < 0.03:
            tokens = list(self.ops)                                 # something else, or from outside its past
        if kind == "ADMIT":
            op["via"] = "QR" if tokens and rng.random() < 0.6 else "INV"
            if op["via"] == "QR":
                op["token"] = rng.choice(tokens)
            op["heads"] = self.heads(known) if rng.random() < 0.5 else rng.sample(known, 1)
            copied = [o for o in self.ops.values() if o["kind"] == "ADMIT"]
            if copied and rng.random() < 0.2:                       # somebody else's request, served again
                other = rng.choice(copied)
                op.update({k: other[k] for k in ("target", "heads")})
        elif kind == "TOKEN":
            op["uses"] = rng.choice([0, 1, 1, 2, 5])
        elif kind == "REVOKE":
            if tokens and rng.random() < 0.7:
                op["token"] = rng.choice(tokens)
            else:
                op["target"] = rng.choice(self.people)
        elif kind == "TRANSFER":
            op["accepted"] = rng.random() < 0.85
        elif kind == "UNBAN":
            bans = [self.ops[x]["target"] for x in known if self.ops[x]["kind"] == "BAN"]
            op["target"] = rng.choice(bans or self.people)

    def lines(self, shuffled):
        ops = list(self.ops.values())
        if shuffled:
            self.rng.shuffle(ops)
        return [json.dumps(o) for o in [self.head] + ops]


def count(counters, group, found):
    past, ops = group.past, group.ops
    for rule in found.voided.values():
        counters[rule] += 1
    counters["transfer"] += len(found.handed)
    counters["mainline longer than 3"] += len(found.mainline) > 3
    counters["duplicate"] += len([a for a in found.effective_admits if a not in found.seats])
    owners = {(ops[c]["author"], ops[c].get("device", 0)) for c in found.mainline}
    forked = [x for x in ops if (ops[x]["author"], ops[x]["device"]) in owners
              and any(not group.comparable(x, y) for y in ops if (ops[y]["author"], ops[y]["device"]) == (ops[x]["author"], ops[x]["device"]))]
    counters["owner fork"] += bool(forked)
    last = found.mainline[-1]
    loose = [x for x in ops if ops[x]["kind"] == "TRANSFER" and found.voided.get(x) == "mainline" and last in past[x]
             and ops[x]["author"] == (ops[last]["target"] if last in found.handed else ops[last]["author"])]
    counters["frozen"] += any(not group.comparable(x, y) for x in loose for y in loose)
    removals = [r for r in found.acts if ops[r]["kind"] in law_model.REMOVALS]
    counters["removal concurrent with its target's act"] += any(
        ops[x]["author"] == found.target(r) and not group.comparable(x, r) for r in removals for x in ops)
    counters["removal wins over an admission"] += any(
        found.target(a) == found.target(r) and not group.comparable(a, r) for a in found.effective_admits for r in removals)
    counters["covered ban"] += any(ops[b]["kind"] == "BAN" and ops[b]["target"] == found.target(a) and b in past[a]
                                   for a in found.effective_admits for b in removals)
    for x in found.voided:
        if ops[x]["kind"] == "ADMIT" and found.voided[x] in ("full", "qr_closed", "quota", "used_up"):
            counters["bumped join"] += x not in group.resolve(past[x] | {x}).voided
    counters["operations"] += len(ops)


def ask(gx_law, lines):
    run = subprocess.run([gx_law], input="\n".join(lines) + "\n", capture_output=True, text=True)
    return json.loads(run.stdout) if run.returncode == 0 else f"exit {run.returncode}: {run.stderr}"


def main():
    gx_law = sys.argv[1]
    cases, first = int(os.environ.get("GX_CASES", "300")), int(os.environ.get("GX_SEED", "1"))
    counters = collections.Counter()
    for seed in range(first, first + cases):
        history = History(random.Random(seed))
        for _ in range(history.rng.randint(4, 40)):
            history.step()
        lines = history.lines(False)
        group, found = law_model.resolve(lines)
        count(counters, group, found)
        for given in (lines, history.lines(True)):
            answer = ask(gx_law, given)
            if answer != found.answer():
                print("\n".join(given))
                print(f"seed {seed}: gx-law says\n{json.dumps(answer)}\nthe model says\n{json.dumps(found.answer())}")
                return 1
    for name in MUST + ["operations"]:
        print(f"{counters[name]:8d}  {name}")
    missed = [name for name in MUST if counters[name] == 0]
    print(f"{cases} histories from seed {first}, each in two orders: all agree" + (f"; never reached: {missed}" if missed else ""))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
