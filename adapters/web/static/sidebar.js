// The list of conversations; a drawer on small screens.

import { $, element, setHidden } from "./dom.js";

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60]];

export class Sidebar {
  constructor(open) {
    this.open = open;
    $("menu").onclick = () => this.#drawer(!document.body.classList.contains("drawer"));
    $("scrim").onclick = () => this.#drawer(false);
    $("sidebar").onclick = (event) => this.#clicked(event);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && document.body.classList.contains("drawer")) this.#drawer(false);
    });
  }

  show(conversations, current) {
    $("conversations").replaceChildren(...conversations.map((c) => entry(c, c.key === current)));
    setHidden($("no-conversations"), conversations.length > 0);
  }

  // A plain click stays on the page; one that asks for a new tab or window is the browser's.
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

function entry(conversation, isCurrent) {
  const when = ago(conversation.updated_at);
  const about = conversation.platform === "console" ? `terminal · ${when}` : when;
  const link = element("a", { href: `/c/${conversation.key}` },
    element("span", { className: "entry-title", text: conversation.title || "New conversation" }),
    element("span", { className: "entry-about", text: about }));
  link.dataset.key = conversation.key;
  if (isCurrent) link.setAttribute("aria-current", "page");
  return element("li", {}, link);
}

function ago(seconds) {
  const past = Date.now() / 1000 - seconds;
  for (const [unit, length] of UNITS) {
    if (past >= length) return RELATIVE.format(-Math.floor(past / length), unit);
  }
  return "just now";
}
