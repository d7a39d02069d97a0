// The models on the page: what is connected now, the card to connect another, the demo model on its way.

import { ConnectCard, hostOf } from "./connect.js";
import { $, element, setHidden, setText } from "./dom.js";

const MB = 1_000_000;

export class Desk {
  // `changed(status)` when a model was connected or its state changed.
  constructor(changed) {
    Object.assign(this, { changed, status: null, used: null, help: new Map() });
    this.card = new ConnectCard({ connected: (status) => this.show(status), heading: false });
    $("desk-body").append(this.card.form);
    $("model").onclick = () => this.open();
    $("desk-close").onclick = () => $("desk").close();
    $("desk").onclick = (event) => {
      if (event.target === $("desk")) $("desk").close(); // the backdrop is the dialog's own
    };
  }

  open() {
    this.card.show(this.status);
    this.card.discover();
    $("desk").showModal();
    this.card.form.elements.base_url.focus();
  }

  show(status) {
    const before = this.status;
    this.status = status;
    this.card.show(status);
    setHidden($("model"), false);
    $("model").classList.toggle("connected", status.connected);
    setText($("model-name"), status.connected ? status.model : "Connect a model");
    $("model").title = status.connected ? `${status.model} at ${hostOf(status.base_url)}` : "No model is connected yet";
    this.#showDownload(status);
    if (!before || before.connected !== status.connected || before.model !== status.model) this.changed(status);
  }

  // What helps under an answer that had no model; kept, so that what was typed into it stays.
  remedy(exchange, isLast, again) {
    if (!exchange.answer.some((segment) => segment.remedy === "connect_model")) return null;
    const id = exchange.ids[0];
    const kind = this.#kindOfHelp(id, isLast);
    const kept = this.help.get(id);
    if (kept?.kind === kind) return kept.element;
    const made = { card: () => this.#inlineCard(exchange, again), button: () => this.#button(), again: () => this.#askAgain(exchange, again) };
    const help = { kind, element: kind ? made[kind]() : null };
    this.help.set(id, help);
    return help.element;
  }

  #kindOfHelp(id, isLast) {
    if (!this.status?.connected) return isLast ? "card" : "button";
    if (this.used === id) return "card"; // it says that it worked
    return isLast ? "again" : null;
  }

  #inlineCard(exchange, again) {
    const card = new ConnectCard({
      connected: (status) => {
        this.used = exchange.ids[0];
        card.form.append(this.#askAgain(exchange, again));
        this.show(status);
      },
    });
    card.show(this.status);
    card.discover();
    return card.form;
  }

  #askAgain(exchange, again) {
    const ask = () => {
      this.used = null;
      again(exchange.question);
    };
    return element("button", { type: "button", className: "primary again", text: "Ask again", onclick: ask });
  }

  #button() {
    return element("button", { type: "button", className: "link", text: "Connect a model", onclick: () => this.open() });
  }

  #showDownload({ demo, demo_done: done, demo_total: total }) {
    setHidden($("download"), demo !== "fetching");
    if (demo !== "fetching") return;
    const [here, all] = [done, total].map((bytes) => Math.round(bytes / MB));
    setText($("download-text"), total ? `Fetching the small demo model, once: ${here} of ${all} MB` : "Fetching the small demo model, once…");
    if (total) $("bytes").value = done / total;
    else $("bytes").removeAttribute("value");
  }
}
