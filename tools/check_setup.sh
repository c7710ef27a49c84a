#!/bin/sh
# What the system must bring, checked before anything is installed: `check_setup.sh PYTHON`.
# Prints nothing and returns 0, or prints one line that says what to mend and returns 2.

python=${1:-python3}

fail() {
    printf '%s\n' "$1"
    exit 2
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# Verilator and make split their arguments at these, and nothing quotes them on the way.
case $PWD in
*[[:space:]]*) fail "the folder's path has a space in it, which Verilator cannot take; move it: $PWD" ;;
*[!A-Za-z0-9/._+@,=~-]*) fail "the folder's path may hold letters, digits and /._+@,=~- only, or make and Verilator fail; move it: $PWD" ;;
esac

has "$python" || fail "needs Python 3.11 or newer, and '$python' is not there; name another with make PYTHON=path/of/python3"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
    fail "needs Python 3.11 or newer, and '$python' does not run; name another with make PYTHON=path/of/python3"
case $version in
3.[0-9] | 3.10 | [0-2].*) fail "needs Python 3.11 or newer, and '$python' is Python $version; name another with make PYTHON=path/of/python3" ;;
esac
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "needs Python's venv module, and '$python' is without it; on Debian: apt-get install python3-venv"
"$python" - <<'PY' || fail "needs Python's shared library for the simulation, and '$python' is without it; on Debian: apt-get install libpython3-dev"
import ctypes, os, sys, sysconfig

if sys.platform.startswith("linux"):
    name = "libpython%d.%d.so.1.0" % sys.version_info[:2]
    folders = ["", sysconfig.get_config_var("LIBDIR") or "", os.path.join(sys.base_prefix, "lib")]
    for folder in folders:
        try:
            ctypes.CDLL(os.path.join(folder, name))
            break
        except OSError:
            pass
    else:
        sys.exit(1)
PY

has c++ || fail "needs a C++ compiler, and 'c++' is not there; on Debian: apt-get install g++"
has make || fail "needs GNU make, and 'make' is not there; on Debian: apt-get install make"
has perl || fail "needs perl, and 'perl' is not there; on Debian: apt-get install perl"
