// The menu of commands above the question box: opened by a slash, navigated with the arrows, completed with Enter or Tab.

import { $, element, setHidden } from "./dom.js";

const COMMANDS = [
  ["/assistant list", "who can answer here"],
  ["/assistant use ", "let another one answer"],
  ["/assistant stop", "end the answer that is being written"],
  ["/assistant regenerate", "answer the last question again"],
  ["/assistant new", "start a new conversation"],
];

export class Commands {
  // `complete(command)` puts a command into the field.
  constructor(field, complete) {
    Object.assign(this, { field, complete, list: $("commands"), fitting: [], at: 0 });
  }

  offer(typed) {
    const fits = ([command]) => command.startsWith(typed) && command !== typed;
    this.fitting = typed.startsWith("/") ? COMMANDS.filter(fits) : [];
    this.at = 0;
    this.list.replaceChildren(...this.fitting.map(([command, about], position) => this.#option(command, about, position)));
    this.#show();
  }

  close() {
    this.fitting = [];
    this.#show();
  }

  // Handles a key; returns whether it was meant for the menu.
  key(event) {
    const count = this.fitting.length;
    if (!count || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return false;
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter" || event.key === "Tab") this.complete(this.fitting[this.at][0]);
    else if (event.key === "ArrowDown") this.#move((this.at + 1) % count);
    else if (event.key === "ArrowUp") this.#move((this.at + count - 1) % count);
    else return false;
    return true;
  }

  #move(to) {
    this.at = to;
    this.#show();
  }

  #show() {
    const open = this.fitting.length > 0;
    setHidden(this.list, !open);
    [...this.list.children].forEach((option, position) => option.setAttribute("aria-selected", String(position === this.at)));
    if (open) this.field.setAttribute("aria-activedescendant", this.list.children[this.at].id);
    else this.field.removeAttribute("aria-activedescendant");
  }

  #option(command, about, position) {
    const option = element("li", { id: `command-${position}` }, element("code", { text: command.trim() }), ` ${about}`);
    option.setAttribute("role", "option");
    option.onmousedown = (event) => event.preventDefault(); // the field keeps the focus
    option.onclick = () => this.complete(command);
    return option;
  }
}
