"""What the store brings along."""

import subprocess
import sys


def test_opening_a_store_imports_no_library_that_only_the_sandbox_uses() -> None:
    probe = "import sys, storage.sqlite; print(sorted({'numpy', 'pandas'} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
