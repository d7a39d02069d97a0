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
Welcome to **Threadline**. It brings assistants to where people already talk, and gives every conversation a thread of \
its own.

I only read from a script, but everything that carries my words is the real thing. Where shall we go?

{MENU}"""

REAL = """\
**What is real here**

- Your message was stored before anything was answered.
- It became a *message* on a *thread*, and a *run* of the assistant called Tour: the Assistants API, served by this \
very program.
- These words **stream**: you see them as they are written, as you would see a model's.

Only the thinking is missing; that part is a script. Send **2** to see what happens when I am interrupted."""

STAYS = """\
**Your conversation stays**

Try it now: reload this page or restart me; this conversation is still here.

You may even kill the program in the middle of an answer. When it starts again it takes up the unfinished answer where \
it belongs, once. Everything is in one SQLite file; stop me, and you can copy it.

Send **3** to meet the others who can answer here."""

CHOOSING = """\
**Choosing who answers**

- `/assistant list` shows the assistants.
- `/assistant use NAME` gives this conversation to another one, and keeps the thread.
- `/assistant new` starts a fresh thread.

You write your own assistants in `threadline.toml`: a name, instructions, a model.

Send **4** to give them something to think with."""

CONNECTING = """\
**Connecting a model**

Any endpoint that speaks Chat Completions will do: OpenAI, Azure, Ollama, LM Studio, vLLM, llama.cpp and many more. \
Open *Connect a model* on Threadline's page, give address, key and model; it is tried at once and used without a \
restart. Or set `MODEL_BASE_URL`, `MODEL_API_KEY` and `MODEL`.

Without one, *Small talk* runs a tiny model on this machine: good for a chat, often wrong.

Send **5** for Slack and Discord."""

SLACK = """\
**Slack and Discord**

Mention the bot in a channel and it answers in a thread; follow-ups in that thread need no mention. It also answers \
where you are alone with it: in its Messages tab on Slack, in a direct message on Discord. Every thread is a \
conversation of its own, with its own memory.

The README has the steps to connect your workspace or your server.

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

An assistant with the *code interpreter* writes Python and runs it in a sandbox of its own: no network, none of your \
files, little memory, and it is ended when it takes too long. I run this now, for 3x + 11 = 14:"""

RAN = """\
It printed `{printed}`. What it draws comes as a picture, and files that it writes come as downloads. Variables stay \
for the next question: the sandbox is this conversation's alone.

Send **7** to see a file read and cited."""

REFUSED = """\
**Code that runs**

Here no code is run: nothing on this machine would shut it in, and without that it does not run at all. \
`threadline doctor` says what is missing and how to get it.

Send **7** to see a file read and cited."""

QUERY = "killed in the middle of an answer"

LOOKING = """\
**A source that is cited**

An assistant with the *file search* reads the files it was given, and those that people send: PDF, Word, PowerPoint, \
Excel, web pages, text. I was given one about Threadline, and look now for what it says of being killed:"""

FOUND = """\
The file says: “{sentence}” {mark}

The number stands for the passage, which is named under this answer. A file is only ever quoted: whatever it asks for, \
it has no say here.

That was the tour. Send **menu** to go round again, or `/assistant list` to see who else is here."""

NOT_FOUND = """\
The file that I was given is not there any more, so that there is nothing to cite.

That was the tour. Send **menu** to go round again, or `/assistant list` to see who else is here."""

FILES = """\
**What you sent**

I have {files}: kept on this conversation's thread, where whoever answers next can read it. I only play a script, and \
read nothing that people send. An assistant with a model does: `/assistant list` shows who is here, and `/assistant \
use NAME` hands this conversation over, what you sent included.

What I can show you meanwhile:

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
    """The names of the files of this conversation that its tools tell of, and `a picture` that came now."""
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
    return f"You wrote “{_short(said)}”. I am a script and cannot answer that, but I can show you around:\n\n{MENU}"


def _word(said: str) -> str:
    return said.strip().strip(".!?)*").casefold()


def _short(said: str) -> str:
    line = " ".join(said.split())
    return line if len(line) <= 80 else f"{line[:79].rstrip()}…"
