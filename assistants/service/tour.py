"""The Tour: a scripted guide to try while no model is connected."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from assistants.service.asgi_transport import LocalTransport
from assistants.service.chat import ChatCompletions
from assistants.service.endpoints import Endpoint
from assistants.service.script import deltas
from assistants.service.scripted import Body, ScriptedCall, ScriptedModel, ScriptedReply, asked

MODEL_NAME = "tour"

MENU = """\
1. What is real here
2. Your conversation stays
3. Choosing who answers
4. Connecting a model
5. Slack and Discord
6. Code that runs
7. A source that is cited

Send a number, or **menu** to see this again."""

WELCOME = f"""\
Welcome to **Threadline**. It brings assistants into Slack and Discord, and gives every conversation its own thread.

I follow a script, but everything around me is real. What would you like to see?

{MENU}"""

REAL = """\
**What is real here**

- Your message was saved before this answer began.
- It became a *message* on a *thread*, and a *run* of the assistant Tour. That is the Assistants API, served by this \
program.
- This text **streams**: you see it while it is written, as you would with a model.

Only the model is missing; I read from a script instead. Send **2** to see what happens when I am interrupted."""

STAYS = """\
**Your conversation stays**

Restart Threadline, or reload the page if you are on it: this conversation will still be here.

You can even kill the program in the middle of an answer. After the restart it finishes that answer, in its place and \
only once. Everything is kept in one SQLite file, which you can copy while Threadline is stopped.

Send **3** to meet the other assistants."""

CHOOSING = """\
**Choosing who answers**

- `/assistant list` shows the assistants.
- `/assistant use NAME` lets another assistant continue this conversation: on the page, in the terminal, and in a \
thread or DM on Discord. In a channel and on Slack, it chooses who answers the conversations that you start.
- `/assistant new` starts a new conversation. On Slack, mention the bot outside a thread instead.

Slack has no commands inside threads: type them in the message box of the channel.

You define your own assistants in `threadline.toml`, each with a name, instructions and a model.

Send **4** to connect a model."""

CONNECTING = """\
**Connecting a model**

Any endpoint with the Chat Completions API works: OpenAI, Azure, Ollama, LM Studio, vLLM, llama.cpp and many more. \
Open *Connect a model* on Threadline's page and enter its address, a key and a model. Threadline tests it and uses it \
without a restart. You can also set `MODEL_BASE_URL`, `MODEL_API_KEY` and `MODEL`.

Until then, *Small talk* runs a tiny model on this machine. It can chat, but is often wrong.

Send **5** for Slack and Discord."""

SLACK = """\
**Slack and Discord**

Mention the bot in a channel, and it answers in a thread, where you can continue without a mention. You can also \
write to it alone: in its Messages tab on Slack, or in a direct message on Discord. Every thread is a separate \
conversation with its own memory.

The README explains how to connect your workspace or server.

Send **6** to see code run."""

CODE = """\
x = (14 - 11) / 3
print(f"x = {x:g}")
try:
    import matplotlib.pyplot as plt
except ImportError:
    pass
else:
    plt.plot([0, 2], [11, 17], label="3x + 11")
    plt.axhline(14, color="gray", label="14")
    plt.scatter([x], [14])
    plt.legend()
"""

RUNNING = """\
**Code that runs**

An assistant with the *code interpreter* writes Python and runs it in a sandbox, without network access, without your \
files, and with limits on memory and time. I will run this now, to solve 3x + 11 = 14:"""

RAN = """\
It printed `{printed}`. Plots appear as images, and files it writes as downloads. Variables are kept for the next \
question; no other conversation shares this sandbox.

Send **7** to see a file read and cited."""

REFUSED = """\
**Code that runs**

Code does not run here: this machine has no sandbox, and Threadline never runs code without one. \
`threadline doctor` says what is missing and how to install it.

Send **7** to see a file read and cited."""

QUERY = "killed in the middle of an answer"

LOOKING = """\
**A source that is cited**

An assistant with *file search* reads its own files and those that people send: PDF, Word, PowerPoint, Excel, web \
pages and text. I have one about Threadline. Let me look up what happens when the program is killed:"""

FOUND = """\
The file says: “{sentence}” {mark}

The number refers to the passage listed under this answer. Files are only quoted: instructions in a file are not \
followed.

That was the tour. Send **menu** to see the topics again. `/assistant list` shows the other assistants."""

NOT_FOUND = """\
My file is no longer there, so there is nothing to cite.

That was the tour. Send **menu** to see the topics again. `/assistant list` shows the other assistants."""

FILES = """\
**What you sent**

This conversation keeps {files}. I follow a script and cannot read files, but an assistant with a model can: \
`/assistant list` shows the assistants, and `/assistant use NAME` lets one of them continue here, with what you sent. \
(On Slack, type these in the channel, not in the thread.)

Meanwhile, I can show you:

{menu}"""

# What a message says that is only a file.
WORDLESS = "(a file, without words)"
GIVEN = "threadline.md"
_THERE = re.compile(r"Files there: (.+?)(?: and others)?\.\Z")
_PLACE = re.compile(r"\A/mnt/data/(.+) \([^()]+\)\Z")

CODE_WORDS = {"6", "code"}
SOURCE_WORDS = {"7", "source"}
_QUOTED = re.compile(r"mark=(【[^】]*】)>\n(.*?)\n</quotation-", re.S)
SCENES: dict[str, str] = {"1": REAL, "2": STAYS, "3": CHOOSING, "4": CONNECTING, "5": SLACK}
GREETINGS = {"", "menu", "help", "hi", "hello", "hey", "start", "tour", "0"}

# Words come at this pace, and a long scene still ends within three seconds.
PACE = 0.03
LONGEST = 2.6


def tour(request: Body) -> ScriptedReply:
    """Return the scene that the newest message asks for."""
    last = request["messages"][-1]
    if last["role"] == "tool" and _called(request) == "file_search":
        return _said(_cited(str(last["content"])))
    if last["role"] == "tool":
        return _said(RAN.format(printed=str(last["content"]).partition("\n")[0].replace("`", "'")))
    if _word(asked(request)) in SOURCE_WORDS:
        if not _has(request, "file_search"):
            return _said(NOT_FOUND)
        return _said(LOOKING, ScriptedCall("file_search", json.dumps({"query": QUERY})))
    if _word(asked(request)) not in CODE_WORDS:
        return _said(_scene(asked(request), _sent(request)))
    if not _has(request, "code_interpreter"):
        return _said(REFUSED)
    call = ScriptedCall("code_interpreter", json.dumps({"code": CODE}))
    return _said(f"{RUNNING}\n\n```python\n{CODE}```", call)


def _has(request: Body, tool: str) -> bool:
    return any(each["function"]["name"] == tool for each in request.get("tools") or ())


def _called(request: Body) -> str:
    """Return the function whose output is the newest message."""
    made = [call for message in request["messages"] for call in message.get("tool_calls") or ()]
    return str(made[-1]["function"]["name"]) if made else ""


def _cited(output: str) -> str:
    """Return the matching sentence of the best passage, with its citation mark."""
    found = _QUOTED.search(output)
    if found is None:
        return NOT_FOUND
    sentences = re.split(r"(?<=[.])\s+", " ".join(found[2].split()))
    fits = max(sentences, key=lambda sentence: sum(word in sentence.casefold() for word in QUERY.split()))
    return FOUND.format(sentence=fits, mark=found[1])


def _said(text: str, *calls: ScriptedCall) -> ScriptedReply:
    reply = ScriptedReply(text=text, tool_calls=calls, delay=0.2)
    return replace(reply, chunk_delay=min(PACE, LONGEST / len(deltas(0, reply))))


def tour_model() -> ChatCompletions:
    """Return the Tour as an ordinary model in this process."""
    script = ScriptedModel(script=tour, names=(MODEL_NAME,))
    return ChatCompletions(Endpoint("http://tour/v1", "", MODEL_NAME), transport=LocalTransport(script.app))


def _sent(request: Body) -> list[str]:
    """The names of this conversation's files, as its tools list them, and `a picture` if the message has one."""
    about = [_THERE.search(str(each["function"].get("description", ""))) for each in request.get("tools") or ()]
    names = [_PLACE.sub(r"\1", name) for found in about if found for name in found[1].split(", ")]
    content = request["messages"][-1].get("content")
    pictured = not isinstance(content, str) and any(part.get("type") == "image_url" for part in content or ())
    return list(dict.fromkeys([*(["a picture"] if pictured else []), *(f"“{n}”" for n in names if n != GIVEN)]))


def _scene(said: str, sent: Sequence[str]) -> str:
    word = _word(said)
    if word in SCENES:
        return SCENES[word]
    if word in GREETINGS and "a picture" not in sent:
        return WELCOME
    if sent or said == WORDLESS:
        return FILES.format(files=", ".join(sent) or "what you sent", menu=MENU)
    return f"You wrote “{_short(said)}”. I follow a script and cannot answer that, but I can show you around:\n\n{MENU}"


def _word(said: str) -> str:
    return said.strip().strip(".!?)*").casefold()


def _short(said: str) -> str:
    line = " ".join(said.split())
    return line if len(line) <= 80 else f"{line[:79].rstrip()}…"
