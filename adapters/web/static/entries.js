// The menu of each conversation in the list, and its dialogs to rename and delete.

import { remove, rename } from "./api.js";
import { $, setText } from "./dom.js";

export class Entries {
  // `renamed()` and `removed(conversation)` are called afterwards.
  constructor({ renamed, removed }) {
    Object.assign(this, { renamed, removed, conversation: null, button: null, menu: $("entry-menu") });
    $("entry-rename").onclick = () => this.#ask($("rename"));
    $("entry-delete").onclick = () => this.#ask($("delete"));
    this.menu.onkeydown = (event) => this.#key(event);
    this.menu.ontoggle = ({ newState }) => this.#toggled(newState === "open");
    this.#dialog($("rename"), (form) => rename(this.conversation.key, form.elements.title.value), () => this.renamed());
    this.#dialog($("delete"), () => remove(this.conversation.key), () => this.removed(this.conversation));
  }

  // The browser closes the menu on Escape or a click elsewhere.
  open(conversation, button) {
    const again = this.button === button && this.menu.matches(":popover-open");
    this.menu.hidePopover();
    if (again) return;
    Object.assign(this, { conversation, button });
    this.menu.showPopover();
    const { bottom, right, top } = button.getBoundingClientRect();
    const below = bottom + this.menu.offsetHeight < innerHeight;
    this.menu.style.top = `${below ? bottom : top - this.menu.offsetHeight}px`;
    this.menu.style.left = `${Math.max(0, right - this.menu.offsetWidth)}px`;
    $("entry-rename").focus();
  }

  #toggled(open) {
    this.button.setAttribute("aria-expanded", String(open));
    // A focus left in the closed menu would be lost.
    if (!open && (this.menu.contains(document.activeElement) || document.activeElement === document.body)) this.button.focus();
  }

  #key(event) {
    if (event.key === "Tab") this.menu.hidePopover();
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const [first, last] = this.menu.children;
    (document.activeElement === first ? last : first).focus();
  }

  #ask(dialog) {
    this.menu.hidePopover();
    const form = dialog.querySelector("form");
    if (form.elements.title) form.elements.title.value = this.conversation.title;
    else setText(dialog.querySelector("strong"), this.conversation.title || "New conversation");
    setText(form.querySelector(".outcome"), "");
    dialog.showModal();
    form.elements.title?.select();
  }

  #dialog(dialog, act, done) {
    const form = dialog.querySelector("form");
    const [cancel, submit] = form.querySelectorAll("button");
    cancel.onclick = () => dialog.close();
    dialog.onclick = (event) => {
      if (event.target === dialog) dialog.close(); // the backdrop is the dialog's own
    };
    form.onsubmit = async (event) => {
      event.preventDefault();
      const outcome = form.querySelector(".outcome");
      submit.disabled = true;
      Object.assign(outcome, { textContent: submit.dataset.busy }).dataset.mood = "busy";
      try {
        await act(form);
        dialog.close();
        done();
      } catch (error) {
        Object.assign(outcome, { textContent: error.message }).dataset.mood = "bad";
      } finally {
        submit.disabled = false;
      }
    };
  }
}
