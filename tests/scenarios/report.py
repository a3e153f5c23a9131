#!/usr/bin/env python3
"""Reports of scenarios as a reader gets them: well-formed, nothing fetched, no text over another, and figures that fit what the run printed.

    tests/scenarios/report.py GX-SIM
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

HERE = pathlib.Path(__file__).resolve().parent / "sim"
SVG_TEXT = 15  # units: how high text is on narrow screens
SCENARIOS = ["cafe", "restarts", "one_way", "clocks"]
failures = []


def say(what):
    failures.append(what)
    print(f"FAILED: {what}")


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)


def box(text):
    """Where a text of a plot is, at most; a digit is no wider than 0.56 of the height."""
    width = 0.56 * SVG_TEXT * len(text.text)
    left = float(text.get("x")) - {"middle": width / 2, "end": width}.get(text.get("text-anchor"), 0)
    bottom = float(text.get("y")) + 0.2 * SVG_TEXT
    return left, bottom - SVG_TEXT, left + width, bottom


def check_plot(name, svg):
    _, _, width, height = map(float, svg.get("viewBox").split())
    boxes = [(text.text, box(text)) for text in svg.iter("text")]
    for k, (what, (left, top, right, bottom)) in enumerate(boxes):
        if left < -2 or top < 0 or right > width + 2 or bottom > height:
            say(f"{name}: {svg.get('aria-label')}: '{what}' is cut off")
        for other, (l, t, r, b) in boxes[k + 1 :]:
            if left < r and l < right and top < b and t < bottom:
                say(f"{name}: {svg.get('aria-label')}: '{what}' and '{other}' lie over each other")
    for number in re.findall(r"-?\d+\.?\d*|nan|inf", " ".join(p.get("d") for p in svg.iter("path"))):
        if not -1 <= float(number) <= width:
            say(f"{name}: {svg.get('aria-label')}: something is drawn at {number}")
    return len(boxes)


def check_page(name, path):
    text = path.read_text(encoding="utf-8")
    page = xml.fromstring(text.removeprefix("<!DOCTYPE html>"))
    for word in ("http:", "https:", "url(", "<script", "@import", "<link", "src="):
        if word in text:
            say(f"{name}: {word}")
    return page, sum(check_plot(name, svg) for svg in page.iter("svg"))


def check_report(name, folder, printed):
    page, texts = check_page(name, folder / "report.html")
    report = json.loads((folder / "report.json").read_text())
    found = re.search(r"seed (\d+): all holds; messages \d+, delivered (\d+) of (\d+), .* trace (\w+)", printed)
    said = str(report["seed"]), str(report["delivery"]["done"]), str(report["delivery"]["due"]), report["trace_hash"][:16]
    if found is None or found.groups() != said:
        say(f"{name}: the report says {said}: {printed}")
    if len(list(page.iter("svg"))) < 6 or texts < 60:
        say(f"{name}: {len(list(page.iter('svg')))} plots with {texts} texts")
    if not report["ok"] or "All holds" not in (folder / "report.html").read_text():
        say(f"{name}: it is not said that all holds")
    return texts


def main():
    sim, texts = sys.argv[1], 0
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        for scenario in SCENARIOS:
            done = run(sim, "run", HERE / f"{scenario}.scn", "--report", out / scenario)
            if done.returncode != 0 or done.stderr != "":
                say(f"{scenario}: exit {done.returncode}: {done.stderr}")
            texts += check_report(scenario, out / scenario, done.stdout.strip().split("\n")[-1])
        done = run(sim, "run", HERE / "one_way.scn", "--runs", 3, "--report", out / "runs")
        page, _ = check_page("index", out / "runs" / "index.html")
        links = [a.get("href") for a in page.iter("a")]
        if links != [f"seed-{seed}/report.html" for seed in (1, 2, 3)] or not all((out / "runs" / link).exists() for link in links):
            say(f"the index names {links}")
        same = run(sim, "compare", out / "one_way" / "report.json", out / "runs" / "seed-1" / "report.json")
        other = run(sim, "compare", out / "one_way" / "report.json", out / "runs" / "seed-2" / "report.json")
        nothing = run(sim, "compare", out / "one_way" / "report.json", out / "runs" / "index.html")
        if (same.returncode, other.returncode, nothing.returncode) != (0, 1, 2) or "trace_hash" not in other.stdout:
            say(f"compare: {same.returncode} {other.returncode} {nothing.returncode}: {other.stdout}")
    print(f"{len(SCENARIOS) + 1} reports, {texts} texts of plots, {len(failures)} faults")
    return 1 if failures or texts == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
