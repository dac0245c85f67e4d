#!/bin/sh
# Run uv with the given arguments. A uv on PATH is taken if pyproject.toml (required-version) allows it;
# otherwise the one that tools/bootstrap.txt pins is installed, by the Python that is there, in .cache/uv.
# With --python first the rest are arguments for that Python itself, and nothing is installed.
set -eu

home=.cache/uv

case $(uname -s 2>/dev/null) in
    MINGW* | MSYS* | CYGWIN* | Windows*)
        echo "This is Windows: open the clone in WSL (https://learn.microsoft.com/windows/wsl/install) and run make there." >&2
        exit 1
        ;;
esac

# uv reads required-version in every command that looks at the project, and ends with an error.
fits() {
    command -v "$1" >/dev/null 2>&1 && "$1" cache dir >/dev/null 2>&1
}

give_up() {
    printf '%s\n' "$@" >&2
    exit 1
}

find_python() {
    for python in python3 python3.13 python3.12 python3.11 python; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            return
        fi
    done
    found=$(python3 -c 'import platform; print("Python " + platform.python_version())' 2>/dev/null || echo none)
    give_up "No Python 3.11 or newer on PATH (found: $found)." \
        "Install one, for instance with your system's package manager, and run make again."
}

pip_install() {
    "$@" --quiet --root-user-action=ignore --disable-pip-version-check \
        --require-hashes --only-binary=:all: -r tools/bootstrap.txt
}

install_uv() {
    find_python
    echo "Installing uv in $home with $("$python" --version) (once)" >&2
    rm -rf "$home"
    # Debian and Ubuntu leave ensurepip, without which venv makes no pip, to a package of its own.
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv "$home"
        pip_install "$home/bin/python" -m pip install
    elif "$python" -c 'import pip' 2>/dev/null; then
        pip_install "$python" -m pip install --target "$home"
    else
        give_up "uv cannot be installed: $("$python" --version) comes with neither venv nor pip." \
            "Install one of them (Debian, Ubuntu: apt install python3-venv), or uv itself, and run make again."
    fi
}

if [ "${1-}" = --python ]; then
    shift
    find_python
    exec "$python" "$@"
fi
if fits uv; then
    exec uv "$@"
fi
if ! fits "$home/bin/uv"; then
    install_uv
fi
exec "$home/bin/uv" "$@"
