#!/bin/bash
# Installs what the tests with real peers talk to, and nothing outside DEST:
#
#     tests/peers/install.sh DEST
#     SOCKLAB_PEERS=DEST cargo test --workspace -- --ignored
#
#   DEST/python    Python 3 with `websockets`, the threaded and the asyncio one, the mail server `aiosmtpd`, and what reads
#                  the results of the course's runner: lxml, fastjsonschema, gslocal
#   DEST/node      Node's `ws`
#   DEST/autobahn  the Autobahn suite 0.8.2, on Python 2.7
#   DEST/inn       the news server INN, from Debian's package, unpacked: no service, no mail server that it would bring
#
# Needed beforehand: Python 3.11 or newer with venv and pip, Node with npm, a C compiler. From Debian come also nc
# (netcat-openbsd), curl, nginx, openssl, strace, chromium and chromium-driver: they are looked for on the PATH, .ci/run
# installs them.
#
# Python 2.7 is the hard part, since no current system has it. In this order:
#   1. the program that PYTHON27 names;  2. `python2.7` on the PATH;  3. pyenv's 2.7;
#   4. on Debian, the packages of Debian 11, the last that had it, from the mirror this machine already uses (or from
#      the one that BULLSEYE_MIRROR names), checked against Debian's keys and unpacked into DEST/python27.
#
# A part that is already there, made from the same lists, is left as it is.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
destination=${1:?usage: tests/peers/install.sh DEST}
mkdir -p "$destination"
destination=$(cd "$destination" && pwd)

ws_version=8.23.0                     # it depends on nothing, so that this one number pins all of it
python3=${PYTHON3:-python3}

fail() { echo "install.sh: $*" >&2; exit 1; }

# part NAME FILE...: runs install_NAME unless the stamp says that it has been done here, from the same files.
part() {
    local name=$1 stamp recipe started=$SECONDS; shift
    stamp=$destination/$name.installed
    # The place belongs to the recipe: a virtual environment that was moved does not run.
    recipe=$({ echo "$destination"; cat "${BASH_SOURCE[0]}" "$@"; } | sha256sum)
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$recipe" ] && "check_$name"; then
        echo "$name: already there"
        return
    fi
    rm -rf "$stamp" "${destination:?}/$name"
    "install_$name"
    "check_$name" || fail "$name was installed but does not run"
    echo "$recipe" >"$stamp"
    echo "$name: installed in $((SECONDS - started)) s"
}

# --- Python 3 -------------------------------------------------------------------------------------

install_python() {
    command -v "$python3" >/dev/null || fail "no $python3"
    "$python3" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$python3 is older than 3.11"
    "$python3" -m venv "$destination/python" ||
        fail "$python3 cannot make a virtual environment (Debian: apt-get install python3-venv)"
    "$destination/python/bin/python" -m pip install -q -r "$here/requirements.txt"
}

check_python() {
    "$destination/python/bin/python" -c 'import websockets.sync.client, websockets.asyncio.client, aiosmtpd.smtp, lxml, gslocal' 2>&1
}

# --- Node -----------------------------------------------------------------------------------------

install_node() {
    command -v npm >/dev/null || fail "no npm (Debian: apt-get install nodejs npm)"
    mkdir -p "$destination/node"
    npm install --silent --no-save --no-package-lock --no-audit --no-fund --prefix "$destination/node" "ws@$ws_version"
}

check_node() { NODE_PATH=$destination/node/node_modules node -e 'require("ws")' 2>&1; }

# --- INN ------------------------------------------------------------------------------------------

# Installed, it would start itself, and bring cron and a mail server along. Unpacked it is a program like any other.
install_inn() (                       # a subshell: the change of folder ends with it
    local packages=(inn2 inn2-inews libcanlock3) deb advice="(on a Debian that has ${packages[*]})"
    command -v apt-get >/dev/null || fail "the news server comes from Debian $advice"
    mkdir -p "$destination/inn/debs"
    cd "$destination/inn/debs"
    local download=(apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}")
    "${download[@]}" 2>/dev/null || { apt-get -qq update && "${download[@]}"; } || fail "no download $advice"
    for deb in *.deb; do dpkg -x "$deb" "$destination/inn"; done
    rm -rf "$destination/inn/debs"
)

# Everything that it is linked with can be found.
check_inn() {
    local news=$destination/inn/usr/lib/news libraries=("$destination"/inn/usr/lib/*-linux-gnu) program
    for program in innd nnrpd makedbz; do
        [ -x "$news/bin/$program" ] || return 1
        ! LD_LIBRARY_PATH=$news:${libraries[0]} ldd "$news/bin/$program" | grep 'not found' || return 1
    done
}

# --- Autobahn -------------------------------------------------------------------------------------

# Whatever is asked for here must also run: pyenv leaves a `python2.7` on the PATH that only says it is not selected.
runs() { [ -n "$1" ] && "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' >/dev/null 2>&1; }

# Sets `python27`, and the two variables that the unpacked one needs.
find_python27() {
    local candidate
    if [ -n "${PYTHON27:-}" ]; then
        runs "$PYTHON27" || fail "PYTHON27=$PYTHON27 is not a Python 2.7 that runs"
        python27=$PYTHON27
        return
    fi
    for candidate in "$(command -v python2.7 || true)" \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python2.7; do
        if runs "$candidate"; then python27=$candidate; return; fi
    done
    unpack_python27
}

# bullseye_from MIRROR: unpacks Python 2.7 of Debian 11 into DEST/python27, through an apt that has its own lists and
# its own cache and never writes to the system's.
bullseye_from() {
    local mirror=$1 root=$destination/python27
    local apt=$root/apt
    rm -rf "$root"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bullseye main" >"$apt/sources.list"
    local options=(-qq -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update || return 1
    (cd "$apt/debs" && apt-get "${options[@]}" download python2.7-minimal libpython2.7-minimal libpython2.7-stdlib \
        libpython2.7-dev libffi7 libssl1.1) || return 1
    local deb
    for deb in "$apt"/debs/*.deb; do dpkg -x "$deb" "$root" || return 1; done
    rm -rf "$apt"
}

unpack_python27() {
    local mirror mirrors
    local advice="Name one with PYTHON27, or a mirror that still has Debian 11 with BULLSEYE_MIRROR."
    command -v apt-get >/dev/null || fail "no Python 2.7, and not a Debian to take it from. $advice"
    mirrors=${BULLSEYE_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u)}
    for mirror in $mirrors; do
        if bullseye_from "$mirror" 2>"$destination/python27.log"; then
            python27=$destination/python27/usr/bin/python2.7
            # The unpacked interpreter finds its own files from where it stands; its libraries and the compiler's
            # headers lie where nobody looks by default.
            local libraries=("$destination"/python27/usr/lib/*-linux-gnu)
            export LD_LIBRARY_PATH="${libraries[0]}"
            export CPATH="$destination/python27/usr/include:$destination/python27/usr/include/python2.7"
            runs "$python27" || fail "the unpacked $python27 does not run. $advice"
            return
        fi
    done
    cat "$destination/python27.log" >&2 || true
    fail "no Python 2.7, and no mirror of this machine has Debian 11 any more. $advice"
}

install_autobahn() (                  # a subshell: the variables of the unpacked Python end with it
    python27=
    find_python27
    echo "autobahn: on $python27"
    "$destination/python/bin/python" -m virtualenv -q --no-download -p "$python27" "$destination/autobahn"
    # A pip as old as its Python warns, each time, that it is old.
    "$destination/autobahn/bin/python" -W ignore -m pip --no-python-version-warning install -q --no-deps \
        -r "$here/../autobahn/requirements.txt"
)

check_autobahn() { "$destination/autobahn/bin/python" -W ignore -c 'import autobahntestsuite.fuzzing, wsaccel' 2>&1; }

part python "$here/requirements.txt"
part node
part inn
part autobahn "$here/requirements.txt" "$here/../autobahn/requirements.txt"
