"""A test that hangs ends as a failure."""

import subprocess
import sys

HANGS = "import time\ndef test_hangs():\n    while True:\n        time.sleep(0.1)\n"


def test_every_test_has_a_bound(pytestconfig, tmp_path):
    """The suite has one, and a test that does not come to its end within it fails by name."""
    assert float(pytestconfig.getini("timeout")) == 1200
    (tmp_path / "test_it.py").write_text(HANGS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--timeout=1", "-q"]
    ended = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 1
    assert "test_hangs" in ended.stdout and "Timeout" in ended.stdout
