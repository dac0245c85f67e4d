#!/bin/sh
# Run uv with the given arguments. A uv on PATH is taken if pyproject.toml (required-version) allows it;
# otherwise the one that tools/bootstrap.txt pins is installed, by the Python that is there, in .cache/uv.
# With --python first the rest are arguments for that Python itself, and nothing is installed.
set -eu

home=.cache/uv
# Make gives an empty one where the user has none, which uv refuses; whether a Python is downloaded bring_python says.
downloads=${UV_PYTHON_DOWNLOADS:-manual}
export UV_PYTHON_DOWNLOADS=never

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

# The folders that version managers, Homebrew, python.org and conda put Pythons in, whether or not PATH has them:
# those of server/environment/interpreters.py. PATH's own count first.
add_installed() {
    home_folder=${HOME:-/}
    for folder in "${PYENV_ROOT:-$home_folder/.pyenv}"/versions/*/bin \
        "${ASDF_DATA_DIR:-$home_folder/.asdf}"/installs/python/*/bin \
        "${MISE_DATA_DIR:-$home_folder/.local/share/mise}"/installs/python/*/bin \
        /opt/homebrew/opt/python@3.*/bin /usr/local/opt/python@3.*/bin /home/linuxbrew/.linuxbrew/opt/python@3.*/bin \
        /Library/Frameworks/Python.framework/Versions/3.*/bin; do
        [ ! -d "$folder" ] || PATH=$PATH:$folder
    done
    if [ -r "$home_folder/.conda/environments.txt" ]; then
        while IFS= read -r prefix || [ -n "$prefix" ]; do
            [ ! -d "$prefix/bin" ] || PATH=$PATH:$prefix/bin
        done <"$home_folder/.conda/environments.txt"
    fi
    export PATH
}

# Set python to one of at least the minor version $1; where there is none, found is the first that is older.
find_python() {
    found=none
    IFS=:
    for folder in $PATH; do
        for python in "$folder"/python3 "$folder"/python3.[0-9] "$folder"/python3.[0-9][0-9] "$folder"/python; do
            [ -x "$python" ] || continue
            said="import platform, sys; print('Python ' + platform.python_version()); sys.exit(sys.version_info < (3, $1))"
            if version=$("$python" -c "$said" 2>/dev/null); then
                unset IFS
                return
            fi
            [ "$found" != none ] || [ -z "$version" ] || found=$version
        done
    done
    unset IFS
    return 1
}

no_python() {
    give_up "No Python 3.11 or newer is here (found: $found)." \
        "Install one, for instance ${1-}with your system's package manager, and run make again."
}

# In a shell of its own: a person's settings of pip may name another place for what it installs.
pip_install() (
    unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIRE_VIRTUALENV
    # A variable, since the pip of Apple's Python knows no such option.
    PIP_USER=0 PIP_ROOT_USER_ACTION=ignore "$@" --quiet --disable-pip-version-check \
        --require-hashes --only-binary=:all: -r tools/bootstrap.txt
)

install_uv() {
    # uv runs on an older Python than this repository does, such as Apple's 3.9, and can bring a newer one.
    find_python 11 || find_python 8 || no_python
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

# Have uv download a Python where none is new enough and somebody says so: UV_PYTHON_DOWNLOADS, or a person at the terminal.
bring_python() {
    if why=$("$uv" python find 2>&1); then
        return
    fi
    if find_python 11; then
        give_up "$why" "uv does not take the $version that is here: see UV_PYTHON_PREFERENCE, .python-version and uv's settings."
    fi
    install="$uv python install 3.12"
    case $downloads in
        automatic | auto | true) answer=y ;;
        manual)
            answer=n
            if [ -t 0 ] && [ -t 2 ]; then
                printf 'No Python 3.11 or newer is here (found: %s). Download one by `%s`? [y/N] ' "$found" "$install" >&2
                read -r answer || true
            fi
            ;;
        *) answer=n ;;
    esac
    case $answer in
        [yY]*) UV_PYTHON_DOWNLOADS=manual "$uv" python install --no-bin 3.12 >&2 ;;
        *) no_python "by \`$install\` or " ;;
    esac
}

if [ "${1-}" = --python ]; then
    shift
    add_installed
    find_python 11 || no_python
    exec "$python" "$@"
fi
uv=uv
# Before PATH has environments of conda, in which another uv may be.
fits uv || uv=$home/bin/uv
add_installed
fits "$uv" || install_uv
case ${1-} in
    sync | lock) bring_python ;;
esac
exec "$uv" "$@"
