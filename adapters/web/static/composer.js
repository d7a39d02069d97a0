// The composer, where people type and attach files: Enter sends, Shift + Enter inserts a new line, a slash opens the menu.

import { Attachments } from "./attachments.js";
import { Commands } from "./commands.js";
import { $, setHidden, setText } from "./dom.js";

const LONGEST = 100_000;

export const isCommand = (text) => /^\s*\/assistant(\s|$)/.test(text);
// The first word if it looks like a command but is none. After a space, or with another slash in it, it is an ordinary word.
const unknownCommand = (text) => (isCommand(text) ? undefined : /^\/[a-z]+(?=\s|$)/i.exec(text)?.[0]);

export class Composer {
  // `stop()` stops the answer in progress.
  constructor(send, stop) {
    Object.assign(this, { send, stop, field: $("question"), draft: null, growing: false });
    this.attachments = new Attachments({ changed: () => this.#canSend(), complain: (sentence) => this.complain(sentence) });
    this.commands = new Commands(this.field, (command) => this.#complete(command));
    $("composer").onsubmit = (event) => {
      event.preventDefault();
      // Enter in an empty box does not stop the answer; only the button does.
      if (this.#stops) this.stop();
      else this.#submit();
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

  // Restore what was typed in this conversation before.
  open(draft) {
    this.draft = draft;
    this.field.value = draft.text;
    this.#changed();
    this.attachments.open(draft);
  }

  focus() {
    this.field.focus();
  }

  // While an answer is in progress and nothing is typed, the button stops it.
  offerStop(growing) {
    this.growing = growing;
    this.#canSend();
  }

  get #stops() {
    return this.growing && !this.#can;
  }

  get #can() {
    return Boolean(this.field.value.trim() || this.attachments.files.length);
  }

  complain(sentence) {
    $("complaint").textContent = sentence;
    setHidden($("complaint"), !sentence);
  }

  // Put back what could not be sent, before what was typed since.
  restore(text, why) {
    this.field.value = this.field.value ? `${text}\n${this.field.value}` : text;
    this.#changed();
    this.complain(why);
    this.focus();
  }

  #key(event) {
    // Enter in an input method completes a word; it does not send.
    if (event.isComposing || event.keyCode === 229) return;
    const sends = event.key === "Enter" && !event.shiftKey;
    const taken = this.commands.key(event);
    if (taken || sends) event.preventDefault();
    if (sends && !taken) this.#submit();
  }

  #submit() {
    const text = this.field.value;
    if (!this.#canSend() || this.#tooLong()) return;
    if (text.trim() === "/") return this.commands.offer("/"); // asks for the commands, of nobody
    const unknown = unknownCommand(text);
    if (unknown) return this.complain(`There is no command ${unknown}. Type / to see all commands, or put a space before it to send it as a message.`);
    if (this.attachments.busy) return this.complain("A file is still being uploaded. Send when it is done.");
    this.field.value = "";
    this.#changed();
    this.send(text, isCommand(text) ? [] : this.attachments.take());
  }

  #canSend() {
    const button = $("send");
    button.disabled = !this.#can && !this.growing;
    button.classList.toggle("stops", this.#stops);
    setText(button.firstElementChild, this.#stops ? "■" : "↑");
    button.setAttribute("aria-label", this.#stops ? "Stop the answer" : "Send");
    return this.#can;
  }

  #changed() {
    this.draft.text = this.field.value;
    this.#canSend();
    this.#tooLong();
    this.commands.offer(this.field.value);
    this.#fit();
  }

  #tooLong() {
    const length = [...this.field.value].length;
    const tooLong = length > LONGEST;
    const [now, most] = [length, LONGEST].map((n) => n.toLocaleString("en"));
    this.complain(tooLong ? `That is ${now} characters; the limit is ${most}. Shorten it or send it in parts.` : "");
    return tooLong;
  }

  #complete(command) {
    this.field.value = command;
    this.#changed();
    this.field.focus();
  }

  #fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }
}
