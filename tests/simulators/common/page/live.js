// What every simulator's page does: it is told of each change, acts on the control API, and keeps its place.
export const $ = (selector) => document.querySelector(selector);

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const GONE = "The simulator is not there. Reload the page when it is.";

export async function act(action, order) {
  notice("");
  const response = await fetch(`/sim/${action}`, { method: "POST", body: JSON.stringify(order) }).catch(() => null);
  if (!response) return notice(GONE);
  const answer = await response.json();
  if (!response.ok) notice(answer.error);
  return response.ok ? answer : null;
}

// Stays until the person types, clicks or does something else.
export function notice(text) {
  $("#notice").textContent = text;
  $("#notice").hidden = !text;
}
for (const goingOn of ["input", "pointerdown"]) document.addEventListener(goingOn, () => notice(""));

export const look = async () => (await fetch("/sim/state")).json();

let last = () => {};
export const drawAgain = () => last();

// Calls `draw` with the state, now and after every change, for as long as the page is open.
export async function follow(draw) {
  let version = -1;
  for (;;) {
    const response = await fetch(`/sim/state?after=${version}`).catch(() => null);
    if (!response) return notice(GONE);
    const state = await response.json();
    version = state.version;
    last = () => draw(state);
    last();
  }
}

// Updates a list to `[key, signature, build]`. An entry that did not change keeps its node, which is never detached:
// it would lose its focus, and a press whose mouse button is already down. One that is being edited stays as it is,
// and what had the focus in one that is built anew gets it again.
export function keep(list, entries) {
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const entry = focused?.closest("[data-key]")?.dataset.key;
  const before = new Map([...list.children].map((node) => [node.dataset.key, node]));
  const nodes = entries.map(([key, signature, build]) => {
    const known = before.get(key);
    if (known?.dataset.signature === signature || known?.querySelector(".edit")) return known;
    const node = build();
    Object.assign(node.dataset, { key, signature });
    return node;
  });
  const staying = new Set(nodes);
  for (const node of [...list.children]) if (!staying.has(node)) node.remove();
  let at = list.firstElementChild;
  for (const node of nodes) {
    if (node === at) at = at.nextElementSibling;
    else list.insertBefore(node, at);
  }
  if (!focused || focused.isConnected) return;
  const anew = nodes.find((node) => node.dataset.key === entry)?.querySelectorAll("button") ?? [];
  [...anew].find((one) => one.textContent === focused.textContent)?.focus();
}

// The same for a list of messages: who looks at its end still does.
export function fill(list, entries) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  keep(list, entries);
  if (!atEnd) return;
  const toEnd = () => { list.scrollTop = list.scrollHeight; };
  toEnd();
  // A picture takes its room when it has come.
  for (const picture of list.querySelectorAll("img")) if (!picture.complete) picture.onload = toEnd;
}

// A file that a person chose, in base64.
export async function bytesOf(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join(""));
}

// Says beside the box which files go with what is typed there; the label around the chooser begins with a text.
export function chosenFiles(chooser, box) {
  const sign = chooser.parentElement.firstChild;
  const tell = () => { sign.data = [...chooser.files].map((one) => one.name).join(", ") || "+"; };
  chooser.onchange = () => { tell(); box.focus(); };
  chooser.form.addEventListener("reset", () => setTimeout(tell));
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
