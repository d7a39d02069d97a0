// Picks the assistant: a button with its name, and a list.

import { $, element, setText } from "./dom.js";

export class Picker {
  constructor(pick) {
    Object.assign(this, { pick, button: $("picker"), list: $("choices"), choices: [] });
    this.button.onclick = () => (this.list.hidden ? this.#open() : this.close());
    this.list.onkeydown = (event) => this.#key(event);
    document.addEventListener("click", (event) => {
      if (!this.list.hidden && !event.target.closest(".picker")) this.close();
    });
  }

  get chosen() {
    return this.choices.find((choice) => choice.chosen);
  }

  show(choices) {
    if (JSON.stringify(choices) === JSON.stringify(this.choices)) return; // an open list keeps its focus
    this.choices = choices;
    setText($("picked"), this.chosen?.title ?? "Nobody");
    this.list.replaceChildren(...choices.map((choice) => this.#option(choice)));
  }

  close({ focus = false } = {}) {
    this.list.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
    if (focus) this.button.focus();
  }

  #open() {
    this.list.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    (this.list.querySelector("[aria-selected=true]") ?? this.list.firstElementChild)?.focus();
  }

  #option(choice) {
    const title = element("span", { className: "option-title", text: choice.title });
    if (!choice.ready) title.append(" ", element("span", { className: "tag", text: "needs a model" }));
    const option = element("button", { type: "button", className: "option" }, title,
      element("span", { className: "option-about", text: choice.description }));
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", String(choice.chosen));
    option.dataset.name = choice.name;
    option.onclick = () => {
      this.close({ focus: true });
      if (!choice.chosen) this.pick(choice);
    };
    return option;
  }

  #key(event) {
    const options = [...this.list.children];
    const here = options.indexOf(document.activeElement);
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: options.length - 1 }[event.key];
    if (event.key === "Escape") this.close({ focus: true });
    else if (event.key === "Tab") this.close();
    else if (to !== undefined) options.at(to % options.length).focus();
    else return;
    if (event.key !== "Tab") event.preventDefault();
  }
}
