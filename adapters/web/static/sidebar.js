// The list of conversations; a drawer on small screens.

import { $, copy, setHidden, setText } from "./dom.js";

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const EXACT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "numeric", minute: "2-digit", second: "2-digit" });
const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60]];

export class Sidebar {
  // `open(key)` shows a conversation; `more(conversation, button)` opens its menu.
  constructor(open, more) {
    Object.assign(this, { open, more, entries: new Map() });
    $("menu").onclick = () => this.#drawer(!document.body.classList.contains("drawer"));
    $("scrim").onclick = () => this.#drawer(false);
    $("sidebar").onclick = (event) => this.#clicked(event);
    document.addEventListener("keydown", (event) => {
      const above = document.querySelector("dialog[open], :popover-open"); // closes first
      if (event.key === "Escape" && !above && document.body.classList.contains("drawer")) this.#drawer(false);
    });
  }

  // Existing entries are not moved, so that they keep the focus.
  show(conversations, current) {
    const titles = conversations.map((c) => c.title);
    const isOnly = (title) => titles.indexOf(title) === titles.lastIndexOf(title);
    const list = $("conversations");
    const shown = new Map(conversations.map((c) => [c.key, this.entries.get(c.key) ?? copy("entry")]));
    for (const [key, node] of this.entries) if (!shown.has(key)) node.remove();
    this.entries = shown;
    conversations.forEach((c, position) => {
      const node = shown.get(c.key);
      if (list.children[position] !== node) list.insertBefore(node, list.children[position] ?? null);
      this.#fill(node, c, { isCurrent: c.key === current, isOnly: isOnly(c.title) });
    });
    setHidden($("no-conversations"), conversations.length > 0);
  }

  // The time distinguishes conversations with the same title.
  #fill(node, conversation, { isCurrent, isOnly }) {
    const { key, platform, updated_at: at } = conversation;
    const title = conversation.title || "New conversation";
    const when = isOnly ? ago(at) : EXACT.format(at * 1000);
    const [link, more] = [node.querySelector("a"), node.querySelector("button")];
    Object.assign(link, { href: `/c/${key}` }).dataset.key = key;
    setText(node.querySelector(".entry-title"), title);
    setText(node.querySelector(".entry-about"), platform === "console" ? `terminal · ${when}` : when);
    if (isCurrent) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    more.setAttribute("aria-label", `Rename or delete “${title}”`);
    more.onclick = () => this.more(conversation, more);
  }

  // A plain click is handled here; the browser handles one that opens a new tab or window.
  #clicked(event) {
    const link = event.target.closest("a");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.#drawer(false);
    this.open(link.dataset.key ?? null);
  }

  #drawer(open) {
    document.body.classList.toggle("drawer", open);
    $("scrim").hidden = !open;
    $("menu").setAttribute("aria-expanded", String(open));
    if (open) $("fresh").focus();
    else if ($("sidebar").contains(document.activeElement)) $("menu").focus();
  }
}

function ago(seconds) {
  const past = Date.now() / 1000 - seconds;
  for (const [unit, length] of UNITS) {
    if (past >= length) return RELATIVE.format(-Math.floor(past / length), unit);
  }
  return "just now";
}
