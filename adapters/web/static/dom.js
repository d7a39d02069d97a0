// Small helpers over the document; every text goes in as text, and an answer as the HTML that the server made of it.

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

export function setHtml(node, html) {
  const template = document.createElement("template");
  // The one place where text becomes HTML. It is safe: the server renders Markdown with a parser that lets no HTML of
  // the author's through, no image and no address but http, https and mailto; the page's policy forbids scripts beside.
  template.innerHTML = html;
  grow(node, template.content);
}

// What stays the same is left alone, so that a selection or a sideways scroll in it survives.
function grow(now, next) {
  const wanted = [...next.childNodes];
  wanted.forEach((fresh, position) => {
    const old = now.childNodes[position];
    if (!old) now.append(fresh);
    else if (old.isEqualNode(fresh)) return;
    else if (old.nodeType === Node.TEXT_NODE && fresh.data?.startsWith(old.data)) old.appendData(fresh.data.slice(old.length));
    else if (fresh.firstChild && old.cloneNode().isEqualNode(fresh.cloneNode())) grow(old, fresh);
    else old.replaceWith(fresh);
  });
  while (now.childNodes.length > wanted.length) now.lastChild.remove();
}

export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}
