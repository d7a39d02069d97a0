"""The whole contract suite: incoming messages, replies and failures, without the capabilities an adapter lacks."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from bot.testing.hearing import Hearing
from bot.testing.speaking import Speaking
from bot.testing.stage import CAPABILITIES, Capability
from bot.testing.trouble import Trouble

_NOTHING: Mapping[Capability, str] = MappingProxyType({})


class AdapterContract(Hearing, Speaking, Trouble):
    """Derive a test class and give it the fixture `stage`.

    `lacks` maps each capability that the platform does not have to a reason; the tests that need it are removed. A
    capability that is neither implemented nor listed fails with `NotImplementedError`.
    """

    lacks: ClassVar[Mapping[Capability, str]] = _NOTHING

    def __init_subclass__(cls, *, lacks: Mapping[Capability, str] = _NOTHING, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.lacks = {**cls.lacks, **lacks}
        for capability, reason in cls.lacks.items():
            if capability not in CAPABILITIES or not reason.strip():
                known = ", ".join(sorted(CAPABILITIES))
                raise TypeError(f"{cls.__name__} lacks {capability!r}: it must be one of {known}, with a reason.")
        for name in dir(cls):
            if getattr(getattr(cls, name), "needs", frozenset()) & cls.lacks.keys():
                setattr(cls, name, None)
