// The list of conversations; a drawer on small screens.

import { $, element, setHidden } from "./dom.js";

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const EXACT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "numeric", minute: "2-digit", second: "2-digit" });
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
    const titles = conversations.map((c) => c.title);
    const isOnly = (title) => titles.indexOf(title) === titles.lastIndexOf(title);
    $("conversations").replaceChildren(...conversations.map((c) => entry(c, c.key === current, isOnly(c.title))));
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

// Of several that begin alike the hour tells which is which.
function entry(conversation, isCurrent, isOnly) {
  const { updated_at: at } = conversation;
  const when = isOnly ? ago(at) : EXACT.format(at * 1000);
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
