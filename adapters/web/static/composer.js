// Where people type: Enter sends, Shift + Enter makes a new line, a slash offers the commands.

import { $, element, setHidden } from "./dom.js";

const LONGEST = 100_000;
const COMMANDS = [
  ["/assistant list", "who can answer here"],
  ["/assistant use ", "let another one answer"],
  ["/assistant new", "start a new conversation"],
];

export class Composer {
  constructor(send) {
    Object.assign(this, { send, field: $("question"), draft: null });
    $("composer").onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    this.field.oninput = () => this.#changed();
    this.field.onkeydown = (event) => this.#key(event);
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest?.("input, textarea, select, dialog, [role=listbox]");
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        this.field.focus();
      }
    });
  }

  // Take up what was typed in this conversation before.
  open(draft) {
    this.draft = draft;
    this.field.value = draft.text;
    this.#changed();
  }

  focus() {
    this.field.focus();
  }

  complain(sentence) {
    $("complaint").textContent = sentence;
    setHidden($("complaint"), !sentence);
  }

  // Give back what could not be sent, in front of what was typed since.
  restore(text, why) {
    this.field.value = this.field.value ? `${text}\n${this.field.value}` : text;
    this.#changed();
    this.complain(why);
    this.focus();
  }

  #key(event) {
    // An input method's Enter ends a word, not the message.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
      event.preventDefault();
      this.#submit();
    }
  }

  #submit() {
    const text = this.field.value;
    if (!text.trim() || this.#tooLong()) return;
    this.field.value = "";
    this.#changed();
    this.send(text);
  }

  #changed() {
    this.draft.text = this.field.value;
    $("send").disabled = !this.field.value.trim();
    this.#tooLong();
    this.#offerCommands();
    this.#fit();
  }

  #tooLong() {
    const length = [...this.field.value].length;
    const tooLong = length > LONGEST;
    const [now, most] = [length, LONGEST].map((n) => n.toLocaleString("en"));
    this.complain(tooLong ? `That is ${now} characters; the most is ${most}. Shorten it or send it in parts.` : "");
    return tooLong;
  }

  #offerCommands() {
    const typed = this.field.value;
    const fitting = typed.startsWith("/") ? COMMANDS.filter(([command]) => command.startsWith(typed) && command !== typed) : [];
    $("commands").replaceChildren(...fitting.map(([command, about]) => this.#offer(command, about)));
    setHidden($("commands"), fitting.length === 0);
  }

  #offer(command, about) {
    const button = element("button", { type: "button" }, element("code", { text: command.trim() }), ` ${about}`);
    button.onclick = () => {
      this.field.value = command;
      this.#changed();
      this.field.focus();
    };
    return element("li", {}, button);
  }

  #fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }
}
