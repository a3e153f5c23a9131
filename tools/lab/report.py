"""The report of a run with real nodes: report.json and report.txt, field by field and line by line as gx-sim writes them (tests/README.md, "Reports").

What no process tells is null: there is no trace, nobody counts how often a message came again, and who sealed what to whom is not seen from outside.
"""
import json
import os

NO_TRACE = "none"


def quantile(latencies, share):
    """None: so many never came, or nothing was due."""
    n = len(latencies)
    rank = int(share * n + 0.999999)
    return latencies[min(max(rank, 1), n) - 1] if n else None


def ms_text(ms):
    if ms is None:
        return "never"
    if ms < 1000:
        return f"{ms} ms"
    if ms < 60000:
        return f"{ms / 1000:.{2 if ms < 10000 else 1}f} s"
    return f"{ms // 60000} min {ms // 1000 % 60} s"


def bytes_text(n):
    units = ["B", "kB", "MB", "GB"]
    while n >= 999.5 and len(units) > 1:
        n, units = n / 1000, units[1:]
    return f"{n:.{1 if units[0] != 'B' and n < 10 else 0}f} {units[0]}"


class Report:
    def __init__(self, play, title, again, seed):
        self.play, self.title, self.again, self.seed = play, title, again, seed
        self.ok = not play.violations
        self.latencies = play.latencies()
        self.views = {group: list(play.shown(group).values()) for group in play.groups}
        self.store_bytes = sum(node.store_bytes() for node in play.nodes)
        self.received = sum(len(set(m.had) - {m.author.name}) for m in play.messages.values())
        self.done, self.due = play.delivered()

    def end(self, counts):
        """Of the switch, when all is over."""
        self.bytes = sum(port["out_bytes"] for port in counts["ports"]) / self.received if self.received else 0

    def group(self, name):
        views = self.views[name]
        agreed = len({view["state_hash"] for view in views}) == 1
        return {"name": name, "members": views[0]["members"] if agreed else None, "state_hash": views[0]["state_hash"] if agreed else None}

    def json(self):
        play, spread = self.play, {"count": None, "p50": None, "p90": None, "p99": None, "max": None, "steps": []}
        cdf = [quantile(self.latencies, k / 100) for k in range(1, 101)]
        return {
            "seed": self.seed,
            "commit": play.scenario["commit"],
            "trace_hash": NO_TRACE,
            "ok": self.ok,
            "violations": [v._asdict() for v in play.violations],
            "expects": [{"line": x["line"], "ok": x["ok"], "got": x["got"]} for x in play.scenario["expects"]],
            "nodes": len(play.nodes),
            "groups": [self.group(name) for name in play.groups][:8],
            "delivery": {"due": self.due, "done": self.done, "ratio": self.done / self.due if self.due else None},
            "latency_ms": {
                **{name: quantile(self.latencies, share) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1))},
                "cdf": [ms for ms in cdf if ms is not None],
            },
            "per_event": {"duplicates": None, "bytes": self.bytes},
            "converge_ms": round(play.longest[1]) if play.longest and play.probe_ms is None else None,
            "removals": {
                "count": play.removals, "apart": play.apart, "unheard": None, "behind": None, "knowing": None, "read": None,
                "window_ms": spread, "heard_ms": spread,
            },
            "store_bytes": self.store_bytes,
        }

    def text(self):
        r, play = self.json(), self.play
        yield self.title
        yield f"{'all holds' if self.ok else 'BROKEN'}: seed {self.seed}, commit {r['commit']}, trace {NO_TRACE}"
        yield f"again: {self.again}"
        yield ""
        for x in r["expects"]:
            yield f"line {x['line']}: {'holds' if x['ok'] else 'DOES NOT HOLD'} ({x['got']})"
        for v in play.violations:
            yield f"{v.oracle} at {v.at_ms} ms{', ' + v.node if v.node else ''}: {v.text}"
        yield ""
        yield f"nodes        {r['nodes']}"
        for g in r["groups"]:
            agreed = f"{g['members']} members, state {g['state_hash'][:16]}" if g["state_hash"] else "its members' nodes do not agree"
            yield f"group        {g['name']}, {agreed}"
        yield f"delivered    {self.done} of {self.due} messages due at members"
        if self.latencies:
            half, most, nearly, last = (ms_text(quantile(self.latencies, share)) for share in (0.5, 0.95, 0.99, 1))
            yield f"latency      half {half}, 95 % {most}, 99 % {nearly}, all {last}"
        yield f"per event    {bytes_text(self.bytes)} on the wire, by each node that got it"
        if play.longest:
            at, took = (ms_text(round(ms)) for ms in play.longest)
            yield f"healing      at {at}; " + (f"all agree after {took}" if r["converge_ms"] is not None else "they do not agree in the end")
        yield f"removals     {play.removals}, {play.apart} of them while a link was cut"
        yield f"stores       {bytes_text(self.store_bytes)} in all"
        if play.marks:
            yield ""
            yield "faults"
        for at, what, names in play.marks:
            more = f": {', '.join(names[:3])}" + (f" and {len(names) - 3} more" if len(names) > 3 else "") if names else ""
            yield f"{ms_text(at):>12}  {what}{more}"

    def write(self, folder):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "report.json"), "w", encoding="utf-8") as f:
            json.dump(self.json(), f, indent=1)
            f.write("\n")
        with open(os.path.join(folder, "report.txt"), "w", encoding="utf-8") as f:
            f.writelines(line + "\n" for line in self.text())
