#!/bin/sh
# Set up .venv: `setup.sh PYTHON run|fpga|prove|page|docs|torch|test`. A finished step leaves a stamp; without one, all is redone.
set -eu

# The Python behind `python`, should that be the one in .venv itself.
python=$("$1" -c 'import sys; print(getattr(sys, "_base_executable", None) or sys.executable)')
step=$2

broken() {
    status=$?
    trap - EXIT
    [ "$status" = 0 ] || rm -rf .venv
    exit "$status"
}
trap broken EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [ ! -e .venv/run.stamp ] || [ -n "$(find pyproject.toml -newer .venv/run.stamp)" ]; then
    echo "Making .venv with $("$python" --version) ..."
    rm -rf .venv
    "$python" -m venv .venv
fi
rm -f .venv/run.stamp ".venv/$step.stamp"

case $step in
run) what=.[train] ;; # numba, which compiles the integer model
*) what=".[$step]" ;;
esac
echo "Installing carousel and what it needs into .venv (once; a minute or two) ..."
.venv/bin/python -m pip --disable-pip-version-check install --quiet --editable "$what"
touch .venv/run.stamp ".venv/$step.stamp"
[ "$step" != test ] || touch .venv/fpga.stamp .venv/prove.stamp # it has all of both

# What is set up stays, whatever becomes of this.
trap - EXIT INT TERM HUP
case $step in
run | fpga | prove | test)
    echo "Compiling what every run shares (once; a minute) ..."
    .venv/bin/python -m tools.warm "$step" || echo "... which the first run will do"
    ;;
esac
