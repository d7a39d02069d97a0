// Small helpers over the document; every text goes in as text.

export const $ = (id) => document.getElementById(id);

export function element(tag, { text, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

export const copy = (template) => $(template).content.firstElementChild.cloneNode(true);

// Text that grew is appended, so that a selection in what was there before survives.
export function setText(node, text) {
  const now = node.textContent;
  if (now === text) return;
  if (now && text.startsWith(now) && node.lastChild?.nodeType === Node.TEXT_NODE) {
    node.lastChild.appendData(text.slice(now.length));
  } else {
    node.textContent = text;
  }
}

export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}
