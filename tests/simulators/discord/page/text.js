// Discord's Markdown as nodes: headings, quotes, lists, subtext, code, links. `inline` turns mentions into nodes.
import { element } from "/common/live.js";

const TOKENS = /(\\[\\`*_~<>#\-[\]().|!]|`[^`\n]+`|\[[^\]\n]+\]\(<?https?:[^)\s]+?>?\)|\*\*\*[^*\n]+\*\*\*|\*\*[^*\n]+\*\*|\*[^*\s](?:[^*\n]*[^*\s])?\*|(?<!\w)_[^_\n]+_(?!\w)|~~[^~\n]+~~|<?https?:\/\/[^\s<>)]+>?)/;
const LINES = [
  [/^-# (.*)$/, (words) => element("div", { className: "subtext" }, ...words)],
  [/^(?:#{1,3}) (.*)$/, (words) => element("h4", {}, ...words)],
  [/^> ?(.*)$/, (words) => element("blockquote", {}, ...words)],
];

export function prose(text, inline = (plain) => [plain]) {
  const nodes = text.split(/(```[^]*?(?:```|$))/).flatMap((piece) => {
    const fence = piece.match(/^```(?:[\w+-]*\n)?([^]*?)(?:```|$)$/);
    return fence ? [element("pre", {}, element("code", {}, fence[1].trimEnd()))] : lines(piece, inline);
  });
  return element("div", { className: "text" }, ...nodes);
}

function lines(piece, inline) {
  const said = piece.split("\n");
  return said.flatMap((line, at) => {
    for (const [form, made] of LINES) {
      const found = line.match(form);
      if (found) return [made(words(found[1], inline))];
    }
    return [...words(line.replace(/^(\s*)[-*] /, "$1•  "), inline), ...(at < said.length - 1 ? ["\n"] : [])];
  });
}

function words(text, inline) {
  return text.split(TOKENS).flatMap((piece) => {
    const inner = (marks) => words(piece.slice(marks, -marks), inline);
    if (/^`[^`]+`$/.test(piece)) return [element("code", {}, piece.slice(1, -1))];
    const masked = piece.match(/^\[([^\]]+)\]\(<?(https?:[^)\s]+?)>?\)$/);
    if (masked) return [element("a", { href: masked[2], rel: "noreferrer" }, masked[1])];
    if (/^\*\*\*[^*]+\*\*\*$/.test(piece)) return [element("b", {}, element("i", {}, ...inner(3)))];
    if (/^\*\*[^*]+\*\*$/.test(piece)) return [element("b", {}, ...inner(2))];
    if (/^(\*[^*]+\*|_[^_]+_)$/.test(piece)) return [element("i", {}, ...inner(1))];
    if (/^~~[^~]+~~$/.test(piece)) return [element("s", {}, ...inner(2))];
    if (/^<?https?:/.test(piece)) return [element("a", { href: piece.replace(/^<|>$/g, ""), rel: "noreferrer" }, piece.replace(/^<|>$/g, ""))];
    if (/^\\./.test(piece)) return [piece.slice(1)]; // what follows a backslash is no mark
    return inline(piece);
  });
}
