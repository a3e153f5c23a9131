#!/usr/bin/env python3
"""The full law of a group a second time, from the text of proto/LAW.md alone: sets and loops, nothing clever, no code shared with gx-law.

    python3 tests/vectors/law_model.py < OPERATIONS    answers as gx-law does; the input is taken to be well-formed

Slow: the number of steps grows with the cube of the number of operations.
"""
import json
import sys

INFINITE = float("inf")
MEMBER, ADMIN, OWNER = 0, 1, 2
RANKS = ["member", "admin", "owner"]
REMOVALS = {"REMOVE", "BAN", "LEAVE"}


class Group:
    """All operations, their pasts and depths, and every Resolve that was asked for."""

    def __init__(self, head, operations):
        self.head = head
        self.ops = {o["op"]: o for o in operations}
        self.create = next(o["op"] for o in operations if o["kind"] == "CREATE")
        self.past, self.depth, self.resolved = {}, {}, {}
        waiting = set(self.ops)
        while waiting:
            ready = {x for x in waiting if not self.before(x) & waiting}
            for x in ready:
                self.past[x] = frozenset(self.before(x).union(*(self.past[y] for y in self.before(x))))
                self.depth[x] = max((self.depth[y] + 1 for y in self.before(x)), default=0)
            waiting -= ready

    def before(self, x):
        o = self.ops[x]
        return set(o["deps"]) | ({o["prev"]} if o.get("prev") else set())

    def key(self, x):
        return (self.depth[x], x.encode())

    def resolve(self, some):
        some = frozenset(some)
        if some not in self.resolved:
            self.resolved[some] = Resolve(self, some)
        return self.resolved[some]

    def comparable(self, x, y):
        return x == y or x in self.past[y] or y in self.past[x]


class Resolve:
    def __init__(self, group, some):
        self.g, self.set, self.ops, self.past = group, some, group.ops, group.past
        self.voided = {}          # operation -> rule
        self.seats = set()
        self.mainline, self.handed = [], set()
        self.find_mainline()
        self.s = {x: next((k for k, c in enumerate(self.mainline) if x == c or x in self.past[c]), INFINITE) for x in some}
        self.order = sorted(some, key=lambda x: (self.s[x],) + group.key(x))
        self.at = {x: i for i, x in enumerate(self.order)}
        self.find_roles()
        self.effective_admits = []
        for x in self.order:
            if self.kind(x) == "CREATE":
                self.effective_admits.append(x)
                self.seats.add(x)
            elif self.kind(x) == "ADMIT":
                self.replay(x)
        self.members = {u for u in self.persons() if self.is_member(u, len(self.order))}

    def kind(self, x):
        return self.ops[x]["kind"]

    def author(self, x):
        return self.ops[x]["author"]

    def target(self, x):
        return self.ops[x]["author"] if self.kind(x) in ("CREATE", "LEAVE") else self.ops[x].get("target")

    def persons(self):
        return {self.author(x) for x in self.set} | {self.target(x) for x in self.set} - {None}

    # ---- 1 mainline

    def is_handover(self, x, device):
        o = self.ops[x]
        if o["kind"] != "TRANSFER" or not o["accepted"]:
            return False
        if o["target"] == o["author"] and device == 0:
            return False
        return o["target"] in self.g.resolve(self.past[x]).members

    def find_mainline(self):
        if not self.set:
            return
        last = self.g.create
        author, device = self.author(last), self.ops[last].get("device", 0)
        self.mainline = [last]
        while True:
            candidates = {x for x in self.set
                          if self.author(x) == author and self.ops[x].get("device", 0) == device and last in self.past[x]}
            handovers = {x for x in candidates if self.is_handover(x, device)}
            firsts = [t for t in handovers if all(t == o or t in self.past[o] for o in handovers)]
            if firsts:
                candidates &= self.past[firsts[0]] | {firsts[0]}
            elif handovers:
                candidates = {x for x in candidates if all(x in self.past[t] for t in handovers)}
            remaining = [x for x in sorted(candidates, key=self.g.key) if all(self.g.comparable(x, y) for y in candidates)]
            if not remaining:
                return
            last = remaining[0]
            self.mainline.append(last)
            if last in handovers:
                self.handed.add(last)
                author, device = self.ops[last]["target"], 0

    # ---- 4, 5 roles and authority

    def rank(self, u, k):
        return self.roles[min(k, len(self.mainline))].get(u, MEMBER)

    def views(self, x):
        known = [k for k, c in enumerate(self.mainline) if c in self.past[x]]
        return (self.s[x], known[-1] + 1) if known else (self.s[x],)

    def low(self, x, u):
        return min(self.rank(u, k) for k in self.views(x))

    def high(self, x, u):
        return max(self.rank(u, k) for k in self.views(x))

    def find_roles(self):
        self.roles = [{self.author(self.g.create): OWNER}] if self.set else [{}]
        self.acts = []            # effective operations other than ADMIT, in the order of L
        for k in list(range(len(self.mainline))) + [INFINITE]:
            after = dict(self.roles[-1])
            for x in (x for x in self.order if self.s[x] == k and self.kind(x) != "ADMIT"):
                rule = self.why_not(x)
                if rule:
                    self.voided[x] = rule
                    continue
                self.acts.append(x)
                if self.kind(x) == "PROMOTE":
                    after[self.target(x)] = ADMIN
                elif self.kind(x) in REMOVALS | {"DEMOTE"}:
                    after[self.target(x)] = MEMBER
                elif self.kind(x) == "TRANSFER":
                    after[self.author(x)] = ADMIN
                    after[self.target(x)] = OWNER
            if k != INFINITE:
                self.roles.append(after)

    def may_remove(self, x, a, b):
        return self.low(x, a) >= ADMIN and self.low(x, a) > self.high(x, b)

    def gone(self, x):
        a = self.author(x)
        known = [y for y in self.acts if y in self.past[x] and self.target(y) == a]
        gifts = [y for y in known if self.kind(y) in ("PROMOTE", "TRANSFER")]
        return any(self.kind(y) == "LEAVE" and not any(y in self.past[v] for v in gifts) for y in known)

    def why_not(self, x):
        kind, a, b = self.kind(x), self.author(x), self.target(x)
        if kind == "LEAVE":
            return "owner" if self.high(x, a) == OWNER else None
        if kind == "TRANSFER":
            o = self.ops[x]
            if not self.is_handover(x, o.get("device", 0)):
                return "target"
            return None if x in self.handed else "mainline"
        if kind == "REVOKE":
            if b is None:
                t = self.ops[x].get("token")
                if t not in self.past[x] or self.kind(t) != "TOKEN":
                    return "token"
                b = self.author(t)
            if a == b:
                return None
        if kind in ("REMOVE", "BAN", "REVOKE") and not self.may_remove(x, a, b):
            return "rank"
        if kind == "UNBAN" and self.low(x, a) < ADMIN:
            return "rank"
        if kind in ("PROMOTE", "DEMOTE") and (self.low(x, a) < OWNER or self.high(x, b) == OWNER):
            return "rank"
        if kind == "PROMOTE" and b not in self.g.resolve(self.past[x]).members:
            return "target"
        if kind in ("REMOVE", "BAN", "UNBAN", "REVOKE", "PROMOTE", "DEMOTE") and self.gone(x):
            return "left"
        return None

    # ---- 6 to 8

    def removals(self, u):
        return [r for r in self.acts if self.kind(r) in REMOVALS and self.target(r) == u]

    def author_ok(self, x, u):
        def harmless(r, a):
            return (r in self.past[a] or x in self.past[r] or self.s[x] < self.s[r]
                    or (self.kind(r) == "LEAVE" and r not in self.past[x]))
        return any(self.target(a) == u and a in self.past[x] and all(harmless(r, a) for r in self.removals(u))
                   for a in self.effective_admits)

    def is_member(self, u, place):
        admits = [a for a in self.effective_admits if self.target(a) == u and self.at[a] < place]
        removals = [r for r in self.removals(u) if self.at[r] < place]
        return any(all(r in self.past[a] for r in removals) for a in admits)

    def covered(self, ban, x):
        return any(self.kind(v) == "UNBAN" and self.target(v) == self.target(ban) and ban in self.past[v] and v in self.past[x]
                   and self.rank(self.author(v), self.s[v]) >= self.rank(self.author(ban), self.s[ban]) for v in self.acts)

    def fresh(self, x):
        heads = [h for h in self.ops[x].get("heads") or [] if h in self.past[x]]
        leaves = [r for r in self.removals(self.target(x)) if self.kind(r) == "LEAVE" and r in self.past[x]]
        return all(any(r == h or r in self.past[h] for h in heads) for r in leaves)

    def revoked(self, x):
        t = self.ops[x]["token"]
        for v in self.acts:
            if self.kind(v) != "REVOKE":
                continue
            if self.ops[v].get("token") is not None:
                about = self.ops[v]["token"] == t
            else:
                about = self.target(v) == self.author(t) and v not in self.past[t]
            if about and x not in self.past[v] and not self.s[x] < self.s[v]:
                return True
        return False

    def sponsor(self, x):
        m = self.author(x)
        latest = [a for a in self.effective_admits if a in self.seats and self.target(a) == m and self.at[a] < self.at[x]][-1]
        if self.kind(latest) == "CREATE" or self.s[latest] < self.s[x]:
            return m
        return self.sponsor(latest)

    def replay(self, x):
        o, j = self.ops[x], self.target(x)
        rule = self.why_no_admit(x)
        if not rule and not self.is_member(j, self.at[x]):
            rule = self.why_no_seat(x)
            if not rule:
                self.seats.add(x)
        if rule:
            self.voided[x] = rule
        else:
            self.effective_admits.append(x)

    def why_no_admit(self, x):
        o, j = self.ops[x], self.target(x)
        if not self.author_ok(x, o["author"]):
            return "author"
        if o["via"] == "QR":
            if o.get("token") not in self.past[x] or self.kind(o["token"]) != "TOKEN":
                return "token"
            if not self.author_ok(x, self.author(o["token"])):
                return "issuer"
        for b in self.removals(j):
            if self.kind(b) == "BAN" and x not in self.past[b] and (b in self.past[x] or self.at[b] < self.at[x]) and not self.covered(b, x):
                return "banned"
        if not self.fresh(x):
            return "consent"
        if o["via"] == "QR" and self.revoked(x):
            return "revoked"
        return None

    def why_no_seat(self, x):
        o, head = self.ops[x], self.g.head
        seated = [a for a in self.seats if self.kind(a) == "ADMIT"]
        if o["via"] == "QR":
            uses = self.ops[o["token"]]["uses"]
            if uses and len([a for a in seated if self.ops[a]["via"] == "QR" and self.ops[a]["token"] == o["token"]]) >= uses:
                return "used_up"
        if len([a for a in seated if self.s[a] == self.s[x] and self.sponsor(a) == self.sponsor(x)]) >= head["quota"]:
            return "quota"
        n = len([u for u in self.persons() if self.is_member(u, self.at[x])])
        if n >= head["cap"]:
            return "full"
        return "qr_closed" if o["via"] == "QR" and n >= head["qr_max"] else None

    def answer(self):
        rank = {u: RANKS[self.rank(u, INFINITE)] for u in self.members}
        return {"members": [{"member": u, "rank": rank[u]} for u in sorted(self.members, key=str.encode)], "count": len(self.members),
                "effective": [x for x in self.order if x not in self.voided],
                "void": [{"op": x, "rule": self.voided[x]} for x in self.order if x in self.voided],
                "order": self.order, "mainline": self.mainline}


def resolve(lines):
    head, *operations = [json.loads(line) for line in lines]
    group = Group(head, operations)
    return group, group.resolve(group.ops)


if __name__ == "__main__":
    print(json.dumps(resolve(sys.stdin.read().splitlines())[1].answer(), separators=(",", ":")))
