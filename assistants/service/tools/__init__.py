"""The tools an assistant may use here. So far: the sandbox in which the code interpreter's code runs."""

from assistants.service.tools.limits import Limits
from assistants.service.tools.process import Ended
from assistants.service.tools.refusal import Refused
from assistants.service.tools.sandbox import Sandbox
from assistants.service.tools.session import InputRefused, Outcome, Produced, Session

__all__ = ["Ended", "InputRefused", "Limits", "Outcome", "Produced", "Refused", "Sandbox", "Session"]
