"""A whole life of five people in which every name and every text is a canary: words that stand nowhere else, so that where they are found somebody can
read what was said.  Where to look is the caller's matter: in what went over a network, in the files of a home.
"""
import base64
import random
import string

from homes import TIMEOUT, in_threads, number, same_view, say, until

SEED, COUNT = number("GX_E2E_SEED", 1), number("GX_E2E_CANARIES", 1000)
PEOPLE = ("ann", "ben", "cleo", "dan", "eve")


class Canaries:
    """Texts with one mark of 16 random letters in all of them, and a number behind it."""

    def __init__(self, rng):
        self.mark, self.list = "".join(rng.choices(string.ascii_lowercase + string.digits, k=16)), []
        raw = self.mark.encode()
        self.forms = {"text": raw, "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode()}
        for k in range(3):  # where in a group of three bytes it begins; the letters that hang on its neighbours are left out
            text = base64.b64encode(bytes(k) + raw)
            self.forms[f"base64+{k}"] = text[(8 * k + 5) // 6 : 8 * (k + len(raw)) // 6]
        for k in range(5):  # likewise, in a group of five
            text = base64.b32encode(bytes(k) + raw)
            self.forms[f"base32+{k}"] = text[(8 * k + 4) // 5 : 8 * (k + len(raw)) // 5]

    def new(self, what):
        self.list.append(f"{what} {self.mark}{len(self.list):04} \u8336")
        return self.list[-1]

    def in_bytes(self, data):
        """The forms that are found."""
        return [form for form, pattern in self.forms.items() if pattern in data]

    def in_files(self, folder):
        """path -> forms, of all files under it in which one is found, in their names as well."""
        found = {}
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            forms = self.in_bytes(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
            if forms:
                found[str(path.relative_to(folder))] = forms
        return found


class Life:
    """said: all there is but what is in `behind`: texts and names from behind a removal, which who was removed must not have."""

    def __init__(self, homes):
        rng = random.Random(SEED)
        self.said, self.behind = Canaries(rng), Canaries(rng)
        self.homes = {name: homes.home(name) for name in PEOPLE}

    @property
    def kinds(self):
        return self.said, self.behind

    def live(self):
        """Everything; in the end all who are in the group show all that was said in it."""
        for home in self.homes.values():
            home("init", "--name", self.said.new("profile"))
            home.up()
        self.found()
        self.meet()
        self.talk(self.said, PEOPLE[:4], COUNT // 2)
        self.remove_dan()
        self.talk(self.behind, PEOPLE[:3], COUNT - len(self.said.list) - 10)
        self.come_and_go()
        n = sum(len(kind.list) for kind in self.kinds)
        assert n >= COUNT, n
        say(f"a life with {n} canaries: {len(self.said.list)}, and {len(self.behind.list)} behind a removal")

    def found(self):
        """A group, names in it; people come by a code that is handed over by hand."""
        a, b, c, d, _ = self.homes.values()
        self.tea = ":" + a("group", "new", self.said.new("group"))["group"]
        a("group", "alias", self.tea, self.said.new("alias"))
        for home in (b, c, d):
            code = a("invite", self.tea)["token"]
            home("join", code, "-y", "--as", self.said.new("alias"), "--timeout", TIMEOUT)
        b("group", "alias", self.tea, self.said.new("alias"))
        a("group", "rename", self.tea, self.said.new("group"))
        for home in (a, b, c, d):
            home.wait("--members", f"{self.tea}=4", "--idle")

    def meet(self):
        """Two become contacts by a card and write to each other."""
        a, b, *_ = self.homes.values()
        asked = a("contact", "add", b("id")["card"], "--as", self.said.new("contact"))
        request = until(b, lambda: b("requests")["requests"], lambda list: len(list) == 1)[0]
        b("accept", ":" + request["id"])
        until(a, lambda: a("contact", "show", ":" + asked["who"]), lambda c: c["state"] == "contact")
        b("contact", "name", ":" + a("id")["id"], self.said.new("contact"))
        for home, other in ((a, b), (b, a)):
            where = home("contact", "show", ":" + other("id")["id"])["where"]
            home.lines("send", [{"group": where, "text": self.said.new("direct")} for _ in range(5)])
        a("profile", "set", "name", self.said.new("profile"))
        for home, other in ((a, b), (b, a)):
            where = home("contact", "show", ":" + other("id")["id"])["where"]
            home.wait("--count", f"{where}=10", "--idle")

    def talk(self, canaries, names, n):
        """One of them is away, and catches up."""
        texts = [canaries.new("text") for _ in range(n)]
        speakers = [self.homes[name] for name in names]
        away = self.homes[names[-1]]
        away.down()
        shares = [texts[i :: len(speakers)] for i in range(len(speakers))]
        in_threads(
            *(lambda h=h, share=share: h.lines("send", [{"group": self.tea, "text": t} for t in share]) for h, share in list(zip(speakers, shares))[:-1])
        )
        away.up()
        away.lines("send", [{"group": self.tea, "text": t} for t in shares[-1]])
        self.agree(speakers)

    def agree(self, homes):
        same_view(homes, self.tea)
        for home in homes:
            shown = set(home.messages(self.tea).values())
            missing = [t for kind in self.kinds for t in kind.list if t.startswith("text ") and t not in shown]
            assert not missing, f"{home.name} shows {len(shown)} texts, and not {missing[:3]}"

    def remove_dan(self):
        a, b, c, d, _ = self.homes.values()
        me = next(m["member"] for m in d("group", "members", self.tea)["members"] if m["you"])
        a("group", "remove", self.tea, ":" + me, "-y")
        for home in (a, b, c):
            home.wait("--members", f"{self.tea}=3")
        until(d, lambda: d.show(self.tea)["state"], lambda state: state == "removed")
        a("group", "rename", self.tea, self.behind.new("group"))
        c("group", "alias", self.tea, self.behind.new("alias"))

    def come_and_go(self):
        """One comes late, and is told the names in force; another leaves; the others talk on."""
        a, b, c, _, e = self.homes.values()
        e("join", b("invite", self.tea)["token"], "-y", "--as", self.behind.new("alias"), "--timeout", TIMEOUT)
        for home in (a, b, c, e):
            home.wait("--members", f"{self.tea}=4", "--idle")
        until(e, lambda: e.show(self.tea)["name"], lambda name: name in self.behind.list)
        c("group", "leave", self.tea)
        for home in (a, b, e):
            home.wait("--members", f"{self.tea}=3", "--idle")
        last = [self.behind.new("last") for _ in range(12)]
        e.lines("send", [{"group": self.tea, "text": t} for t in last])
        for home in (a, b):
            until(home, lambda home=home: set(home.messages(self.tea).values()), lambda shown: shown >= set(last))
