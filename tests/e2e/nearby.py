#!/usr/bin/env -S python3 -B
"""Two people in one room pair by six digits: real nodes, real UDP, on a LAN of loopback alone."""
import json
import signal
import subprocess

from homes import DONE, TIMED_OUT, TIMEOUT, TOKEN, main, same_view, say, until


class Offer:
    """`invite --nearby` of a home, as it runs."""

    def __init__(self, home, group):
        self.process = subprocess.Popen(
            [home.homes.binary, "--home", str(home.dir), "--json", "invite", group, "--nearby"],
            env=home.homes.brief, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=TIMEOUT)
        self.code = json.loads(line)["code"]
        assert len(self.code) == 6 and self.code.isdigit(), self.code

    def end(self):
        """Exit code, and what it said last."""
        out, err = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, json.loads(out or err)

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=TIMEOUT)
        assert self.process.returncode == -signal.SIGINT


def another(code):
    return f"{(int(code) + 1) % 1000000:06}"


def test(homes):
    ann, mei, bo, cay = (homes.home(name).init().up(lan=True) for name in ("Ann", "Mei", "Bo", "Cay"))
    ann("group", "new", "tea")

    offer = Offer(ann, "tea")
    joined = mei("join", "--nearby", offer.code)
    code, came = offer.end()
    assert code == DONE and came["alias"] == "Mei" and came["members"] == 2, (code, came)
    assert joined["name"] == "tea" and joined["members"] == 2, joined
    mei.send("tea", "is the water on?")
    assert same_view([ann, mei], "tea")["count"] == 1
    say("paired by six digits")

    offer = Offer(ann, "tea")
    error = bo.refused("token_signature", TOKEN, "join", "--nearby", another(offer.code))
    assert "code" in error["message"]
    offer.interrupt()
    until(ann, lambda: [i["revoked"] for i in ann("invites")["invites"]], lambda revoked: revoked == [False, True])
    bo.refused("timeout", TIMED_OUT, "join", "--nearby", offer.code, "--timeout", 3)
    say("a wrong code, and one that was taken back")

    mei("group", "new", "chess")
    offers = [Offer(ann, "tea"), Offer(mei, "chess")]
    joins = [
        subprocess.Popen([homes.binary, "--home", str(home.dir), "--json", "join", "--nearby", offer.code], env=homes.brief, stdout=subprocess.PIPE, text=True)
        for home, offer in zip((bo, cay), offers)
    ]
    names = [json.loads(j.communicate(timeout=TIMEOUT)[0])["name"] for j in joins]
    assert names == ["tea", "chess"], names
    came = [offer.end()[1]["alias"] for offer in offers]
    assert came == ["Bo", "Cay"], came
    bo.send("tea", "the kettle is on")
    for home, count in ((ann, 2), (mei, 2), (bo, 1)):       # who comes in is not told what was said before
        home.wait("--members", "tea=3", "--count", f"tea={count}")
    cay.send("chess", "e4")
    mei.wait("--count", "chess=1")
    say("two pairs in one room")


main(test)
