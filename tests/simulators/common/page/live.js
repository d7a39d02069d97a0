// What every simulator's page does: it is told of each change, acts on the control API, and keeps its place.
export const $ = (selector) => document.querySelector(selector);

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export async function act(action, order) {
  const response = await fetch(`/sim/${action}`, { method: "POST", body: JSON.stringify(order) });
  const answer = await response.json();
  notice(response.ok ? "" : answer.error);
  return response.ok ? answer : null;
}

let fading = 0;
export function notice(text) {
  $("#notice").textContent = text;
  $("#notice").hidden = !text;
  clearTimeout(fading);
  if (text) fading = setTimeout(() => notice(""), 6000);
}

export const look = async () => (await fetch("/sim/state")).json();

// Calls `draw` with the state, now and after every change, for as long as the page is open.
export async function follow(draw) {
  let version = -1;
  for (;;) {
    const response = await fetch(`/sim/state?after=${version}`).catch(() => null);
    if (!response) return notice("The simulator is not there. Reload the page when it is.");
    const state = await response.json();
    version = state.version;
    draw(state);
  }
}

// Fills a list with `[key, signature, build]`: what did not change stays as it is, with its focus. The end stays in sight.
export function fill(list, entries) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  const before = new Map([...list.children].map((node) => [node.dataset.key, node]));
  const nodes = entries.map(([key, signature, build]) => {
    const known = before.get(key);
    if (known?.dataset.signature === signature) return known;
    const node = build();
    Object.assign(node.dataset, { key, signature });
    return node;
  });
  if (nodes.length !== list.children.length || nodes.some((node, at) => list.children[at] !== node)) list.replaceChildren(...nodes);
  if (atEnd) list.scrollTop = list.scrollHeight;
}

// Text with code fences, code, bold and links as nodes. `inline` turns what a platform adds, such as mentions, into
// nodes; `star` is what one star around words makes of them.
export function prose(text, inline = (plain) => [plain], star = "i") {
  const nodes = text.split(/(```[^]*?(?:```|$))/).flatMap((piece) => {
    const fence = piece.match(/^```(?:[\w+-]*\n)?([^]*?)(?:```|$)$/);
    return fence ? [element("pre", {}, element("code", {}, fence[1]))] : words(piece, inline, star);
  });
  return element("div", { className: "text" }, ...nodes);
}

function words(text, inline, star) {
  return text.split(/(`[^`\n]+`|\*\*[^*\n]+\*\*|\*[^*\s](?:[^*\n]*[^*\s])?\*|https?:\/\/[^\s<>)]+)/).flatMap((piece) => {
    if (/^`[^`]+`$/.test(piece)) return [element("code", {}, piece.slice(1, -1))];
    if (/^\*\*[^*]+\*\*$/.test(piece)) return [element("b", {}, ...inline(piece.slice(2, -2)))];
    if (/^\*[^*]+\*$/.test(piece)) return [element(star, {}, ...inline(piece.slice(1, -1)))];
    if (/^https?:/.test(piece)) return [element("a", { href: piece, rel: "noreferrer" }, piece)];
    return inline(piece);
  });
}

// A person's coloured initial.
export function face(name) {
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 9973, 7) * 137 % 360;
  const made = element("span", { className: "face", ariaHidden: "true" }, name.slice(0, 1));
  made.style.setProperty("--face", `hsl(${hue} 45% 42%)`);
  return made;
}

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
