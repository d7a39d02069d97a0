// One message as a person sees it: who, what, and what can be pressed on it and done with it.
import { act, clock, element, face, notice } from "/common/live.js";
import { reactions, tools } from "/common/said.js";
import { openForm } from "/page/forms.js";
import { prose } from "/page/text.js";

const THINKING = 128;
// A person can edit what they said themselves, alone or as a reply; the rest is the platform's own.
const SAID = [0, 19];
const STYLES = { 1: "primary", 3: "success", 4: "danger" };

export function message(state, said, me, openThread) {
  const author = [state.bot, ...state.users].find((one) => one.id === said.author) ?? { name: "unknown" };
  const thread = state.channels.find((one) => one.id === said.id && one.kind === "thread");
  const isApp = said.author === state.bot.id || author.bot || said.webhook;
  const className = said.only_for ? "private" : said.pings.includes(`<@${me}>`) || said.mentions_everyone ? "called" : "";
  return element("li", { className }, face(author.name), element("div", {},
    used(state, said) ?? repliedTo(state, said),
    element("div", { className: "who" }, element("b", {}, author.name), isApp ? element("span", { className: "badge" }, "APP") : null, element("small", {}, clock(said.at))),
    said.flags & THINKING ? element("em", { className: "text" }, `${author.name} is thinking…`) : prose(said.content, (text) => mentions(state, text)),
    said.edited_at && !said.interaction ? element("span", { className: "note" }, "(edited)") : null,
    ...said.embeds.map(embed), ...said.attachments.map(file), ...said.components.map((one) => component(one, said, me)),
    reacted(state, said), thread ? card(state, thread, openThread) : null,
    said.only_for ? element("div", { className: "note" }, "Only you can see this") : null),
    said.only_for ? null : tools(linkTo(state, said), said.author === me && SAID.includes(said.type) && !said.webhook ? { message: said.id } : null, typed(state, said)));
}

function reacted(state, said) {
  const shown = Object.entries(said.reactions).map(([sign, users]) => [sign, users.map((id) => nameOf(state, id)).join(", "), users.length]);
  return shown.length ? reactions(shown) : null;
}

function linkTo(state, said) {
  const place = state.channels.find((one) => one.id === said.channel);
  return `https://discord.com/channels/${place.kind === "dm" ? "@me" : state.guild.id}/${said.channel}/${said.id}`;
}

// The text as a person typed it: Discord made mentions of it.
function typed(state, said) {
  return said.content.replace(/<@!?(\d+)>/g, (_, id) => `@${nameOf(state, id)}`);
}

export function nameOf(state, id) {
  return id === state.bot.id ? state.bot.name : state.users.find((one) => one.id === id)?.name ?? "unknown";
}

function mentions(state, text) {
  return text.split(/(<@!?\d+>|@everyone|@here)/).map((piece) => {
    const who = piece.match(/^<@!?(\d+)>$/);
    if (!who && !/^@(everyone|here)$/.test(piece)) return piece;
    return element("span", { className: "mention" }, who ? `@${nameOf(state, who[1])}` : piece);
  });
}

function used(state, said) {
  const came = said.type === 20 ? state.interactions.find((one) => one.id === said.interaction) : null;
  return came?.data.name ? element("div", { className: "used" }, `${nameOf(state, came.user)} used /${path(came.data)}`) : null;
}

function path(told) {
  const inner = (told.options ?? []).find((one) => one.type <= 2);
  return inner ? `${told.name} ${path(inner)}` : told.name;
}

function repliedTo(state, said) {
  const answered = said.reference && state.messages.find((one) => one.id === said.reference);
  return answered ? element("div", { className: "note" }, `↱ @${nameOf(state, answered.author)} ${typed(state, answered).slice(0, 80)}`) : null;
}

function card(state, thread, openThread) {
  const count = state.messages.filter((one) => one.channel === thread.id).length;
  const open = element("button", { className: "link", onclick: () => openThread(thread.id) }, `${count} ${count === 1 ? "message" : "messages"} ›`);
  return element("div", { className: "thread" }, element("b", {}, `${thread.name} `), open);
}

function embed(told) {
  return element("div", { className: "card" }, told.title ? element("b", {}, told.title) : null, prose(told.description ?? ""));
}

function file(told) {
  const about = { alt: told.description ?? told.filename, title: told.filename };
  if (told.content_type.startsWith("image/")) return element("img", { className: "picture", src: told.url, ...about });
  return element("a", { className: "file", href: told.url, download: told.filename }, `📎 ${told.filename} (${told.size} bytes)`);
}

function component(told, said, me) {
  if (told.type === 10) return prose(told.content);
  if (told.type === 2) return button(told, said, me);
  if (told.type >= 3 && told.type <= 8 && told.type !== 4) return select(told, said, me);
  const inner = [...(told.components ?? []), ...(told.accessory ? [told.accessory] : [])].map((one) => component(one, said, me));
  return element("div", { className: told.type === 17 ? "card" : told.type === 1 ? "controls" : "" }, ...inner);
}

function button(told, said, me) {
  const label = [told.emoji?.name, told.label].filter(Boolean).join(" ");
  if (told.url) return element("a", { className: "link", href: told.url, rel: "noreferrer" }, label);
  const onclick = () => press(said, told.custom_id, me);
  return element("button", { className: STYLES[told.style] ?? "", disabled: told.disabled ?? false, onclick }, label);
}

function select(told, said, me) {
  const first = element("option", { value: "", disabled: true, selected: true }, told.placeholder ?? "Choose");
  const options = (told.options ?? []).map((one) => element("option", { value: one.value }, one.label));
  const made = element("select", { ariaLabel: told.placeholder ?? "Choose", disabled: told.disabled ?? false }, first, ...options);
  made.onchange = () => press(said, told.custom_id, me, [made.value]);
  return made;
}

async function press(said, custom_id, user, values = null) {
  const asked = await act("press", { user, message: said.id, custom_id, values });
  if (asked?.failed) notice("This interaction failed");
  if (asked?.modal) openForm(asked, user);
}
