# Shared by tools/up and tools/check; sourced, not run.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

die() { # CODE MESSAGE...
    local code=$1
    shift
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit "$code"
}

say() { printf '%s\n' "$*"; }

# The packages of these sections of tools/packages, one a line.
packages() { # SECTION...
    local section line
    for section in "$@"; do
        while read -r line; do
            say "$line"
        done < <(sed -n "/^\[$section\]/,/^\[/{/^\[/d;/^#/d;/^ *\$/d;p}" "$top/tools/packages")
    done
}

# Those that are not installed.
missing() { # PACKAGE...
    local name
    for name in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || say "$name"
    done
}

as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Its hundreds of lines are shown only when it fails.
apt_get() {
    local log
    log=$(mktemp)
    if as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1; then
        rm -f "$log"
    else
        tail -20 "$log" >&2
        rm -f "$log"
        return 1
    fi
}

# Nothing missing: nothing done, and no network.
install_packages() { # SECTION...
    local wanted lacking
    command -v dpkg-query >/dev/null ||
        die 1 "this knows Debian only; elsewhere install the like of tools/packages, then: cmake -S . -B build && cmake --build build"
    mapfile -t wanted < <(packages "$@")
    mapfile -t lacking < <(missing "${wanted[@]}")
    ((${#lacking[@]} > 0)) || return 0
    if [[ $(id -u) != 0 ]] && ! command -v sudo >/dev/null; then
        die 1 "these packages are missing, and without root or sudo they cannot be installed here; ask somebody to run:
  apt-get install ${lacking[*]}"
    fi
    say "Installing: ${lacking[*]}"
    # A mirror may hiccup: once more before giving up.
    apt_get update && apt_get install --no-install-recommends "${lacking[@]}" && return 0
    say "That did not work; once more."
    apt_get update && apt_get install --no-install-recommends "${lacking[@]}" && return 0
    die 1 "apt-get could not install: ${lacking[*]}"
}
