// The transcript on the page: one element per exchange, updated in place.

import { fillSent } from "./attachments.js";
import { copy, element, setHidden, setHtml, setText } from "./dom.js";

const DELIVERY = { sending: "Sending…", waiting: "Waiting…" };
// Sentences for every surface say "on Threadline's page"; on the page itself, `where` replaces that.
export const onThePage = (words, where) => words.replace(" on Threadline's page", where);
const NOTED = "Noted; the answer will follow.";

export class Transcript {
  // `remedy(exchange, last)` returns the element that helps with a problem, or null; `resend` and `discard` take a message.
  constructor(root, { remedy, resend, discard }) {
    Object.assign(this, { root, remedy, resend, discard, nodes: new Map() });
  }

  show(items) {
    const last = items.findLast((item) => item.kind === "exchange");
    const growing = items.some((item) => item.state === "answering");
    const shown = new Map();
    const taken = new Set();
    items.forEach((item, position) => {
      const node = this.#node(item, taken);
      taken.add(node);
      for (const id of item.ids) shown.set(id, node);
      if (this.root.children[position] !== node) this.root.insertBefore(node, this.root.children[position] ?? null);
      if (item.kind === "note") this.#fillNote(node, item);
      else this.#fill(node, item, { isLast: item === last, growing });
    });
    while (this.root.children.length > items.length) this.root.lastElementChild.remove();
    this.nodes = shown;
  }

  // The visible text of an answer or a note; for a growing answer, without the notices below it.
  words(id, { growing = false } = {}) {
    const parts = this.nodes.get(id)?.querySelectorAll(growing ? ".text" : ".text, .notice") ?? [];
    return [...parts].map((part) => part.textContent.trim()).join("\n\n");
  }

  // Messages shown together may be divided later: the first item keeps their element, the others get new ones.
  #node(item, taken) {
    const known = item.ids.map((id) => this.nodes.get(id));
    return known.find((node) => node && !taken.has(node)) ?? copy(item.kind);
  }

  #fillNote(node, note) {
    setText(node.querySelector(".typed"), note.typed);
    setHtml(node.querySelector(".text"), note.html);
  }

  #fill(node, exchange, { isLast, growing }) {
    const words = node.querySelector(".question .words");
    setText(words, exchange.question);
    setHidden(words, !exchange.question);
    fillSent(node.querySelector(".question .sent"), exchange.files ?? []);
    if (exchange.asked_at) node.querySelector(".question").title = new Date(exchange.asked_at * 1000).toLocaleString();
    this.#fillDelivery(node.querySelector(".delivery"), exchange, growing);
    const answer = node.querySelector(".answer");
    const visible = exchange.state === "answering" || exchange.answer.length > 0;
    setHidden(answer, !visible);
    if (visible) fillAnswer(answer, exchange);
    this.#fillRemedy(node.querySelector(".remedy"), exchange, isLast);
  }

  #fillDelivery(line, exchange, growing) {
    setHidden(line, exchange.state !== "unsent" && !DELIVERY[exchange.state]);
    line.classList.toggle("unsent", exchange.state === "unsent");
    const noted = growing && exchange.state === "waiting";
    if (exchange.state !== "unsent") return setText(line, noted ? NOTED : (DELIVERY[exchange.state] ?? ""));
    if (line.dataset.error === exchange.error && line.querySelector("button")) return;
    line.dataset.error = exchange.error;
    line.replaceChildren(
      `${exchange.error || "Not sent yet."} `,
      element("button", { type: "button", className: "link", text: "Send again", onclick: () => this.resend(exchange.message) }),
      " ",
      element("button", { type: "button", className: "link", text: "Discard", onclick: () => this.discard(exchange.message) }),
    );
  }

  #fillRemedy(place, exchange, isLast) {
    const ended = ["answered", "stopped", "failed"].includes(exchange.state);
    const help = ended ? this.remedy(exchange, isLast) : null;
    if (place.firstElementChild !== help) place.replaceChildren(...(help ? [help] : []));
    setHidden(place, !help);
  }
}

function fillAnswer(answer, exchange) {
  const growing = exchange.state === "answering";
  const hasWords = exchange.answer.some((segment) => segment.type === "text" || segment.type === "step");
  setText(answer.querySelector(".who"), exchange.assistant || "Assistant");
  const status = answer.querySelector(".status");
  setHidden(status, !growing || (hasWords && !exchange.status));
  setText(status, exchange.status || "Thinking…");
  answer.classList.toggle("growing", growing && hasWords);
  answer.setAttribute("aria-busy", String(growing));
  fillSegments(answer.querySelector(".segments"), exchange.answer);
}

function fillSegments(root, segments) {
  segments.forEach((segment, position) => {
    const kind = classOf(segment);
    let node = root.children[position];
    if (node?.className !== kind) {
      const fresh = element(["text", "sources"].includes(segment.type) ? "div" : "p", { className: kind });
      node ? node.replaceWith(fresh) : root.append(fresh);
      node = fresh;
    }
    if (segment.type === "text") setHtml(node, ...(segment.blocks ?? [segment.html]));
    else if (segment.type === "sources") fillSources(node, segment.notes);
    else if (segment.type === "file") fillFile(node, segment);
    else setText(node, segment.remedy ? onThePage(segment.text, " here") : segment.text);
  });
  while (root.children.length > segments.length) root.lastElementChild.remove();
}

// A picture is shown, any other file is a download link. A file without an id cannot be downloaded.
function fillFile(root, file) {
  if (root.dataset.file === file.id + file.name) return;
  root.dataset.file = file.id + file.name;
  const src = `/chat/api/files/${encodeURIComponent(file.id)}`;
  const shown = file.picture ? element("img", { src, alt: file.alt || file.name, loading: "lazy" }) : file.name;
  root.replaceChildren(file.id ? element("a", { href: src, download: file.name }, shown) : file.name);
}

function fillSources(root, notes) {
  root.replaceChildren(...notes.map((note) => {
    const title = note.address.startsWith("https://")
      ? element("a", { text: note.title, href: note.address, target: "_blank", rel: "noopener noreferrer" })
      : note.title;
    return element("p", {}, `[${note.number}] `, title, note.passage ? `: “${note.passage}”` : "");
  }));
}

function classOf(segment) {
  if (segment.type !== "notice") return segment.type;
  return segment.remedy ? `notice ${segment.kind} curable` : `notice ${segment.kind}`;
}
