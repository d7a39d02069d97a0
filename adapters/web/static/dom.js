// DOM helpers: text is inserted as text, an answer as the HTML that the server rendered.

export const $ = (id) => document.getElementById(id);

export function element(tag, { text, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

export const copy = (template) => $(template).content.firstElementChild.cloneNode(true);

// Appends new text, so that a selection in the existing text survives.
export function setText(node, text) {
  const now = node.textContent;
  if (now === text) return;
  if (now && text.startsWith(now) && node.lastChild?.nodeType === Node.TEXT_NODE) {
    node.lastChild.appendData(text.slice(now.length));
  } else {
    node.textContent = text;
  }
}

// Sets HTML in self-contained pieces; unchanged pieces are not touched.
export function setHtml(node, ...pieces) {
  const shown = node.pieces ?? [];
  let same = 0;
  while (same < pieces.length && shown[same]?.html === pieces[same]) same++;
  if (same === pieces.length && same === shown.length) return;
  const begins = same ? shown[same - 1].ends : 0;
  const fresh = pieces.slice(same).map((html) => [html, nodesOf(html)]);
  let ends = begins;
  node.pieces = [...shown.slice(0, same), ...fresh.map(([html, nodes]) => ({ html, ends: (ends += nodes.length) }))];
  grow(node, fresh.flatMap(([, nodes]) => nodes), begins);
}

function nodesOf(html) {
  const template = document.createElement("template");
  // The one place where text becomes HTML. It is safe: the server renders Markdown with a parser that drops the author's
  // HTML, images and all addresses except http, https and mailto; the page's policy forbids inline scripts as well.
  template.innerHTML = html;
  return [...template.content.childNodes];
}

// Unchanged elements are left alone, so that a selection or scroll position in them survives.
function grow(now, wanted, begins = 0) {
  wanted.forEach((fresh, position) => {
    const old = now.childNodes[begins + position];
    if (!old) now.append(fresh);
    else if (old.isEqualNode(fresh)) return;
    else if (old.nodeType === Node.TEXT_NODE && fresh.data?.startsWith(old.data)) old.appendData(fresh.data.slice(old.length));
    else if (fresh.firstChild && old.cloneNode().isEqualNode(fresh.cloneNode())) grow(old, [...fresh.childNodes]);
    else old.replaceWith(fresh);
  });
  while (now.childNodes.length > begins + wanted.length) now.lastChild.remove();
}

export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}
