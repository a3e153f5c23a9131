"""gx-bench --quick: it measures everything, says so in JSON, and leaves nothing behind; nothing is asserted about time.

quick.py GX_BENCH GUANXI
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

NODES = {"sends_many", "sends_one", "deliver_p50", "deliver_p99", "catch_up", "catch_up_opened", "catch_up_first", "catch_up_bytes", "catch_up_keyed", "catch_up_keyless", "catch_up_keys", "ingest"}
NODES |= {"attacked_signatures", "attacked_wants", "attacked_claims", "deliveries_ten", "file_written", "file_caught_up", "idle", "peers_memory"} | {f"{what}_{n}" for what in ("cold_start", "last_50") for n in ("10k", "100k", "1m")}
DOOR = {"door_half_open", "door_half_open_cpu", "door_storm", "door_storm_cpu", "door_hostile_large", "door_hostile_full", "door_hostile_more",
        "door_hostile_small", "door_joins", "door_beacons_random", "door_beacons_tags", "door_beacons_replayed"}
LAW = {"law_replay_500", "law_resolve_500", "law_replay_10k_few", "law_resolve_10k_few", "law_replay_10k_many", "law_resolve_10k_many",
       "law_one_more", "law_one_more_10k", "law_one_more_tail", "law_one_more_checkpoint", "law_worst_rollback", "law_rollback_late",
       "law_rollback_removal", "law_rollback_witness", "law_rollback_fork", "law_rollback_fork_owner", "law_rollback_transfer",
       "law_promotes_100", "law_rejoin", "law_memory_few", "law_memory_many", "law_memory_stale"}
LAW |= {f"law_growth_{heads}_{n}" for heads in ("few", "many") for n in ("10", "100", "1k", "10k")}
SEAL = {"seal_message", "open_message", "keys_told", "unlock", "key_rows_put", "key_rows_get", "rewrap"} | {f"epoch_{what}_{n}" for what in ("make", "open") for n in ("10", "100", "500")}
SIM = {"sync_same", "sync_few", "sync_all", "sim_schedules", "sim_group", "sim_large", "sim_large_memory"}
WIRE = {"sync_wire_same", "sync_wire_few"}
TREE = {"redundancy", "vanish", "vanish_copies"}
GOALS = NODES - {"sends_one", "catch_up_keys", "catch_up_opened", "catch_up_first", "catch_up_bytes"} | {"law_replay_10k_few", "law_replay_10k_many", "law_one_more", "redundancy"} | SIM | DOOR - {"door_storm_cpu", "door_joins"}
MAY_BE_NONE = {"idle": ("value", "ratio")}       # a node at rest need not wake up at all while it is watched
FIGURES = {"median", "min", "max", "repeats"}


def run(*words):
    return subprocess.run([bench, *words], capture_output=True, text=True, timeout=220)


def measures_all(folder):
    done = run("--quick", "--json", "--events", "1500", "--guanxi", guanxi, "--dir", folder)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["quick"] is True and report["events"] == 1500
    lines = {line["name"]: line for line in report["measures"]}
    assert set(lines) == NODES | DOOR | LAW | SEAL | SIM | WIRE | TREE, sorted(lines)
    skipped = {name for name, line in lines.items() if "skipped" in line}
    assert skipped in (set(), {name for name in DOOR if name.startswith("door_beacons")}), skipped     # where no network of one's own can be had
    for line in (line for name, line in lines.items() if name not in skipped):
        for key in ("value", "raw", "ratio", "cpu_us"):
            figures = line[key]
            assert set(figures) == FIGURES and figures["repeats"] == report["repeats"], line
            least = 0 if key in MAY_BE_NONE.get(line["name"], ()) else 1e-9
            assert least <= figures["min"] <= figures["median"] <= figures["max"], line
    assert {name for name, line in lines.items() if "goal" in line} == GOALS - skipped
    # What two real nodes say when nothing differs is, to the byte, what they say in the simulator; else what the ids of the logs make of it.
    assert lines["sync_wire_same"]["ratio"]["median"] == 1
    assert lines["sync_wire_few"]["simulated_least"] * 0.7 <= lines["sync_wire_few"]["value"]["median"] <= lines["sync_wire_few"]["simulated_most"] * 1.3
    for name in LAW:
        assert lines[name].get("operations", 1) > 0 and ("judged" not in lines[name] or lines[name]["judged"] > 0), lines[name]
    # Ten are let in, whoever comes, and each of the others is told the same: hello, the refusal and goodbye.
    assert lines["door_joins"]["admitted"] == 10 and lines["door_joins"]["frames_each"] == 3, lines["door_joins"]
    # The histories are what they say: a group that fills, a fork that is judged from its beginning on.
    assert lines["law_replay_500"]["members"] == 125 and lines["law_replay_500"]["void"] == 0
    assert lines["law_rollback_fork_owner"]["judged"] > 500


def ends_when_told(folder):
    process = subprocess.Popen([bench, "--only", "catch-up", "--guanxi", guanxi, "--dir", folder], stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 20
    # Both nodes are at work when there are two stores.
    while len(list(pathlib.Path(folder).glob("*/*/store.mdb"))) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, (process.returncode, said)


def main():
    with tempfile.TemporaryDirectory(prefix="gx-bench-test-") as folder:
        measures_all(folder)
        ends_when_told(folder)
        assert os.listdir(folder) == [], os.listdir(folder)
    assert run("--list").stdout.split()[0] == "sends-many"
    assert run("--help").stdout.startswith("Usage: gx-bench")
    assert run("--only", "nothing").returncode == 2
    assert run("--repeats", "1").returncode == 2
    broken = run("--quick", "--guanxi", "/nonexistent")
    assert broken.returncode == 1 and "/nonexistent" in broken.stderr, broken


bench, guanxi = sys.argv[1:]
main()
