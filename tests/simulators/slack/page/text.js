// Slack's two ways to write, as nodes: its own mrkdwn, and Markdown with headings, lists, quotes and tables.
import { element } from "/common/live.js";

const TOKENS = /`([^`\n]+)`|<([@#!])([^>|]+)(?:\|([^>]*))?>|<(https?:[^>|]+)(?:\|([^>]*))?>|\[([^\]\n]+)\]\((https?:[^)\s]+)\)|\*\*([^*\n]+)\*\*|(?<![\w*])\*([^*\s](?:[^*\n]*[^*\s])?)\*(?![\w*])|(?<!\w)_([^_\n]+)_(?!\w)|~~?([^~\n]+)~~?|(https?:\/\/[^\s<>)]+)/;

export const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
const link = (href, label) => element("a", { href: plain(href), rel: "noreferrer" }, plain(label ?? href));

export function text(said, { markdown, nameOf }) {
  const made = element("div", { className: "text" });
  for (const piece of said.split(/(```[^]*?(?:```|$))/)) {
    const fence = piece.match(/^```(?:[\w+-]*\n)?([^]*?)(?:```|$)$/);
    if (fence) made.append(element("pre", {}, element("code", {}, plain(fence[1]).trimEnd())));
    else made.append(...(markdown ? paragraphs(piece, nameOf) : inline(piece, { markdown, nameOf })));
  }
  return made;
}

function inline(said, how) {
  const found = said.match(TOKENS);
  if (!found) return said ? [plain(said)] : [];
  const [all, code, sigil, id, label, url, urlLabel, mdLabel, mdUrl, bold, star, it, struck, bare] = found;
  const inner = (words) => inline(words, how);
  const node = code ? element("code", {}, plain(code))
    : sigil ? element("span", { className: "mention" }, sigil === "!" ? `@${label || id}` : `${sigil}${how.nameOf(id)}`)
    : url ? link(url, urlLabel)
    : mdUrl ? link(mdUrl, mdLabel)
    : bold ? element("b", {}, ...inner(bold))
    : star ? element(how.markdown ? "i" : "b", {}, ...inner(star))
    : it ? element("i", {}, ...inner(it))
    : struck ? element("s", {}, ...inner(struck))
    : link(bare);
  return [plain(said.slice(0, found.index)), node, ...inner(said.slice(found.index + all.length))];
}

function paragraphs(piece, nameOf) {
  const how = { markdown: true, nameOf };
  const made = [];
  const lines = piece.split("\n");
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at];
    if (/^\s*\|/.test(line)) {
      const rows = [];
      while (/^\s*\|/.test(lines[at] ?? "")) rows.push(lines[at++]);
      at -= 1;
      made.push(table(rows, how));
    } else if (/^#{1,6} /.test(line)) made.push(element("h4", {}, ...inline(line.replace(/^#+ /, ""), how)));
    else if (/^> ?/.test(line)) made.push(element("blockquote", {}, ...inline(line.replace(/^> ?/, ""), how)));
    else made.push(...inline(line.replace(/^(\s*)[-*] /, "$1•  "), how), at < lines.length - 1 ? "\n" : "");
  }
  return made;
}

function table(rows, how) {
  const cells = (row) => row.trim().replace(/^\||\|$/g, "").split("|");
  const body = rows.filter((row) => !/^[\s|:-]+$/.test(row));
  const made = body.map((row, at) => element("tr", {}, ...cells(row).map((cell) => element(at ? "td" : "th", {}, ...inline(cell.trim(), how)))));
  return element("table", {}, ...made);
}
