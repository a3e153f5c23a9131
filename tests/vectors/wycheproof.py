#!/usr/bin/env python3
"""The vectors of project Wycheproof for the primitives that KEYS.md names, one a line.

    python3 tests/vectors/wycheproof.py FOLDER COMMIT      writes tests/vectors/wycheproof.txt

FOLDER is testvectors_v1 of github.com/C2SP/wycheproof (Apache License 2.0) at COMMIT.  tests/unit/crypto/test_wycheproof.c holds libsodium, as this
project calls it, against each line.  What says nothing about the bytes is left out.
"""
import json
import pathlib
import sys

OUT = pathlib.Path(__file__).resolve().parent / "wycheproof.txt"
FIELDS = {
    "ed25519": lambda group, test: (group["publicKey"]["pk"], test["sig"], test["msg"]),
    "x25519": lambda group, test: (test["private"], test["public"], test["shared"]),
    "xchacha20_poly1305": lambda group, test: (test["key"], test["iv"], test["aad"], test["msg"], test["ct"] + test["tag"]),
}


def lines(folder):
    for name, fields in FIELDS.items():
        for group in json.loads((folder / f"{name}_test.json").read_text())["testGroups"]:
            for test in group["tests"]:
                yield " ".join([name, str(test["tcId"]), test["result"]] + [field or "-" for field in fields(group, test)])


def main(args):
    if len(args) != 2:
        sys.exit(__doc__)
    head = f"# github.com/C2SP/wycheproof, testvectors_v1 at {args[1]}; Apache License 2.0; made by wycheproof.py"
    OUT.write_text("\n".join([head, *lines(pathlib.Path(args[0]))]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
