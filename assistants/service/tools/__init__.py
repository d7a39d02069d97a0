"""Server-side tools of the Assistants API, and the sandbox that the code interpreter runs in."""

from assistants.service.tools.limits import Limits
from assistants.service.tools.process import Ended
from assistants.service.tools.refusal import SandboxUnavailable
from assistants.service.tools.sandbox import Sandbox
from assistants.service.tools.session import InputRefused, Outcome, Produced, Session

__all__ = ["Ended", "InputRefused", "Limits", "Outcome", "Produced", "Sandbox", "SandboxUnavailable", "Session"]
