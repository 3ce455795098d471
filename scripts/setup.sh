# Sourced by the other scripts: how they speak, and how they install what is missing.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "error: $*"
    exit 1
}

# Run a command as root, or fail when nobody would be there to type a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

# install NAME [MANAGER=PACKAGES…]…: install by the first package manager found. Fails when there
# is none, when it needs a password, or when SETUP=no; the caller then says what to install.
# What the managers print goes to stderr, because callers answer on stdout.
install() {
    local name=$1 choice manager packages
    shift
    [ "${SETUP:-yes}" != no ] || return 1
    for choice in "$@"; do
        manager=${choice%%=*}
        packages=${choice#*=}
        command -v "$manager" >/dev/null || continue
        [ "$manager" = brew ] || as_root true 2>/dev/null || return 1
        say "$name is missing: installing $packages with $manager (SETUP=no forbids it)"
        # The list of packages is split on purpose.
        # shellcheck disable=SC2086
        case $manager in
            apt-get)
                as_root apt-get update -q &&
                    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y $packages
                ;;
            dnf) as_root dnf install -q -y $packages ;;
            apk) as_root apk add --no-cache $packages ;;
            brew) brew install --quiet $packages ;;
        esac </dev/null >&2
        return
    done
    return 1
}
