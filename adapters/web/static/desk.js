// The models on the page: the connected one, the card to connect another, the download of the demo model.

import { ConnectCard, hostOf } from "./connect.js";
import { $, element, setHidden, setText } from "./dom.js";

const MB = 1_000_000;

export class Desk {
  // `changed(status)` is called when a model is connected or its state changes.
  constructor(changed) {
    Object.assign(this, { changed, status: null, help: new Map() });
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
    for (const card of [this.card, ...[...this.help.values()].map((help) => help.card)]) card?.show(status);
    setHidden($("model"), false);
    $("model").classList.toggle("connected", status.connected);
    setText($("model-name"), status.connected ? status.model : "Connect a model");
    $("model").title = status.connected ? `${status.model} at ${hostOf(status.base_url)}` : "No model is connected yet";
    this.#showDownload(status);
    if (!before || before.connected !== status.connected || before.model !== status.model) this.changed(status);
  }

  // The card under an answer that had no model; kept, so that text typed into it stays.
  remedy(exchange, isLast, again) {
    if (!exchange.answer.some((segment) => segment.remedy === "connect_model")) return null;
    const id = exchange.ids[0];
    const kept = this.help.get(id);
    const kind = this.#kindOfHelp(kept, isLast);
    if (kept?.kind === kind) return kept.element;
    const help = { kind, ...this.#makeHelp(kind, again) };
    this.help.set(id, help);
    return help.element;
  }

  #kindOfHelp(kept, isLast) {
    if (!this.status?.connected) return isLast ? "card" : "button";
    if (!isLast) return "none";
    return kept?.kind === "card" ? "card" : "again"; // a card that worked says so
  }

  #makeHelp(kind, again) {
    if (kind === "card") return this.#inlineCard(again);
    if (kind === "again") return { element: askAgain(again) };
    const open = { type: "button", className: "link", text: "Connect a model", onclick: () => this.open() };
    return { element: kind === "button" ? element("button", open) : null };
  }

  #inlineCard(again) {
    const card = new ConnectCard({ connected: (status) => this.show(status), then: askAgain(again) });
    card.show(this.status);
    card.discover();
    return { element: card.form, card };
  }

  #showDownload({ demo, demo_done: done, demo_total: total }) {
    setHidden($("download"), demo !== "fetching");
    if (demo !== "fetching") return;
    const [here, all] = [done, total].map((bytes) => Math.round(bytes / MB));
    const amount = total ? `: ${here} of ${all} MB` : "…";
    setText($("download-text"), `Downloading the small demo model (once)${amount}`);
    if (total) $("bytes").value = done / total;
    else $("bytes").removeAttribute("value");
  }
}

const askAgain = (again) => element("button", { type: "button", className: "primary again", text: "Ask again", onclick: again });
