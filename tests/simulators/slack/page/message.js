// One message as people see it: who, when, what; steps, files, buttons, reactions, what can be done with it, and the way
// into its thread.
import { act, clock, element, face, notice } from "/common/live.js";
import { reactions, tools } from "/common/said.js";
import { blocks } from "/page/blocks.js";
import { plain, text } from "/page/text.js";

const SIGNS = { eyes: "👀", "+1": "👍", "-1": "👎", white_check_mark: "✅", heart: "❤️", x: "❌" };
// As chat.getPermalink answers it.
const ARCHIVES = "https://threadline-sim.slack.com/archives";
const STEPS = { pending: "○", in_progress: "◐", complete: "✓", error: "✕" };

export function nameOf(state, id) {
  return id === state.bot.user_id ? state.bot.name : (state.users.find((user) => user.id === id)?.name ?? id);
}

export function presser(where) {
  return async (action_id, value) => {
    const answered = await act("click", { ...where, action_id, value });
    if (answered && !answered.acked) notice("The app did not respond.");
  };
}

export function message(state, said, { me, open, ephemeral = false }) {
  const author = ephemeral ? state.bot.name : nameOf(state, said.user);
  const where = { user: me, channel: said.channel, ts: said.ts };
  const how = { nameOf: (id) => nameOf(state, id), press: presser(where), where };
  const who = element("div", { className: "who" }, element("b", {}, author), said.bot_id || ephemeral ? element("span", { className: "badge" }, "APP") : null, element("small", {}, clock(Number(said.ts))));
  const called = (said.pings ?? []).some((ping) => ping.includes(me) || ping.startsWith("<!"));
  const made = element("li", { className: ephemeral ? "private" : called ? "called" : "" }, face(author), who);
  if (ephemeral) made.append(element("div", { className: "note" }, "Only visible to you"));
  made.append(...body(said, how, me));
  if (said.edited) made.append(element("small", { className: "note" }, "(edited)"));
  made.append(...(said.files ?? []).map((file) => shown(file, me)));
  if (Object.keys(said.reactions ?? {}).length) made.append(reacted(said, where));
  if (open && !ephemeral) made.append(element("div", {}, element("button", { className: "link", onclick: () => open(said.ts) }, replies(state, said))));
  if (!ephemeral) made.append(tools(linkTo(said), said.user === me && !said.bot_id ? where : null, typed(said, how.nameOf)));
  return made;
}

// While a stream is open only its recipient sees it grow; others have its beginning.
function body(said, how, me) {
  const arriving = said.stream === "open";
  const words = arriving && said.recipient !== me ? said.versions[0] : said.text;
  const drawn = blocks(said.blocks, how);
  const replaced = drawn.length > 0 && !said.stream && said.bot_id;
  return [...steps(said), ...(replaced || !words ? [] : [text(words, { ...how, markdown: said.markdown })]), ...drawn,
    ...(arriving ? [element("small", { className: "note" }, "…")] : [])];
}

function steps(said) {
  const tasks = Object.values(said.tasks ?? {});
  if (!tasks.length) return [];
  const lines = tasks.map((one) => element("li", {}, `${STEPS[one.status]} ${one.title}`, element("small", {}, one.output || one.details || "")));
  return [element("ul", { className: "steps" }, said.plan ? element("b", {}, said.plan) : null, ...lines)];
}

function shown(file, me) {
  const url = `${file.url_private}?as=${me}`;
  if (file.mimetype?.startsWith("image/")) return element("img", { className: "picture", src: url, alt: file.alt_txt || file.title });
  return element("a", { className: "file", href: url, download: file.name }, `📄 ${file.title ?? file.name}`);
}

function reacted(said, where) {
  const names = Object.keys(said.reactions);
  const shownOnes = names.map((name) => [SIGNS[name] ?? `:${name}:`, name, said.reactions[name].length]);
  return reactions(shownOnes, (at) => act("react", { ...where, name: names[at] }));
}

function linkTo(said) {
  const thread = said.thread_ts ? `?thread_ts=${said.thread_ts}&cid=${said.channel}` : "";
  return `${ARCHIVES}/${said.channel}/p${said.ts.replace(".", "")}${thread}`;
}

// The text as a person typed it: Slack made mentions and escapes of it.
function typed(said, nameOf) {
  return plain(said.text.replace(/<@(\w+)>/g, (_, id) => `@${nameOf(id)}`));
}

// What Slack leaves of a deleted message that has replies: the way to them.
export function tombstone(state, gone, open) {
  const way = element("button", { className: "link", onclick: () => open(gone.ts) }, replies(state, gone));
  return element("li", {}, face("×"), element("em", { className: "note" }, "This message was deleted."), element("div", {}, way));
}

function replies(state, said) {
  const count = state.messages.filter((one) => one.channel === said.channel && one.thread_ts === said.ts).length;
  return count ? `${count} ${count === 1 ? "reply" : "replies"}` : "Reply in thread";
}
