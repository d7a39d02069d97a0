// The workspace as one person sees it.
import { $, act, element, face, fill, follow, keep, look } from "/common/live.js";
import { stopEditing } from "/common/said.js";
import { blocks } from "/page/blocks.js";
import { composer } from "/page/composer.js";
import { forms } from "/page/forms.js";
import { message, nameOf, presser, tombstone } from "/page/message.js";

let state = null;
let place = null;
let thread = null;
let home = false;

const SIGN = { channel: "#", group: "🔒", mpim: "👥" };
const me = () => $("#who").value;
const called = (id) => nameOf(state, id);
const channel = (id) => state.channels.find((one) => one.id === id);

function go(id, atHome = false) {
  [place, thread, home] = [id, null, atHome];
  draw();
}

function openThread(ts) {
  thread = ts;
  draw();
  $("#inside input[name=text]").focus();
}

function link(key, label, here, open) {
  const build = () => element("li", {}, element("button", { onclick: open, ariaCurrent: String(here) }, label));
  return [key, JSON.stringify([label, here, me()]), build];
}

function apps() {
  const dm = state.channels.find((one) => one.user === me());
  if (!dm) return [];
  const open = (tab) => () => { act("home", { user: me(), tab }); go(dm.id, tab === "home"); };
  const hasHome = state.views.some((one) => one.type === "home" && one.user === me());
  const messages = link(dm.id, `✦ ${state.bot.name}`, place === dm.id && !home, open("messages"));
  return hasHome ? [messages, link("home", "⌂ Home", place === dm.id && home, open("home"))] : [messages];
}

// What stands in a place or a thread: what was said, and what only this person sees.
function entries(inThread) {
  const here = (one) => one.channel === place && (inThread ? thread && (one.ts === thread || one.thread_ts === thread) : !one.thread_ts);
  const whispers = state.whispers.filter((one) => here(one) && one.user === me()).map((one) => ({ ...one, ephemeral: true }));
  const gone = inThread ? [] : deletedRoots();
  return [...state.messages.filter(here), ...whispers, ...gone].sort((a, b) => a.ts.localeCompare(b.ts)).map((one) => {
    const count = state.messages.filter((other) => other.thread_ts === one.ts).length;
    const build = () => (one.gone ? tombstone(state, one, openThread) : message(state, one, { me: me(), open: inThread ? null : openThread, ephemeral: one.ephemeral }));
    return [one.ts, JSON.stringify([one, count, me(), state.users.length]), build];
  });
}

function deletedRoots() {
  const roots = state.messages.filter((one) => one.channel === place && one.thread_ts).map((one) => one.thread_ts);
  return [...new Set(roots)].filter((ts) => !state.messages.some((one) => one.ts === ts)).map((ts) => ({ channel: place, ts, gone: true }));
}

// An empty Messages tab offers what one may begin with.
function prompts() {
  const begin = (one) => () => act("say", { user: me(), channel: place, text: one.message });
  const offered = state.prompts.map((one) => element("button", { onclick: begin(one) }, one.title));
  const words = element("div", {}, `This is the beginning of what you say to ${state.bot.name}.`);
  return ["prompts", "", () => element("li", {}, face(state.bot.name), words, element("div", { className: "controls" }, ...offered))];
}

function working() {
  const session = state.sessions.find((one) => one.channel === place && one.thread_ts === thread);
  const busy = session?.status === "processing";
  const stop = () => act("stop", { user: me(), channel: place, thread_ts: thread });
  const line = session?.status_text ? `${state.bot.name} ${session.status_text}` : busy ? `${state.bot.name} is working…` : "";
  // Free text and the native status share one place: the text hides the button.
  const button = ["stop", "", () => element("button", { className: "link", onclick: stop }, "Stop")];
  const shown = line ? [["line", line, () => element("span", {}, line)]] : [];
  keep($("#working"), busy && !session.status_text ? [...shown, button] : shown);
  $("#thread-title").textContent = session?.title ?? "";
}

function drawHome() {
  const view = state.views.find((one) => one.type === "home" && one.user === me());
  const where = { user: me(), view_id: view?.id };
  const how = { nameOf: called, press: presser(where), where };
  const build = () => element("div", {}, ...blocks(view.view.blocks, how));
  keep($("#home"), view ? [[view.id, JSON.stringify([view.view.blocks, me()]), build]] : []);
}

function wire() {
  const lines = state.calls.slice(-12).map((one) => element("li", {}, one.method, element("span", {}, one.response.error ?? one.status)));
  $("#wire ul").replaceChildren(...lines.reverse());
  const failures = state.failures.length ? `, FAILURES: ${state.failures.join(" ")}` : "";
  $("#health").textContent = `${state.bot.name} is ${state.sockets ? "connected" : "away"}; ${state.calls.length} calls${failures}`;
}

function draw() {
  const mine = state.channels.filter((one) => one.kind !== "im");
  if (!channel(place)) place = mine[0].id;
  const here = channel(place);
  const isDm = here.kind === "im";
  keep($("#places"), mine.map((one) => link(one.id, `${SIGN[one.kind]} ${one.name}`, one.id === place, () => go(one.id))));
  keep($("#apps"), apps());
  $("#title").textContent = isDm ? `✦ ${state.bot.name} · ${home ? "Home" : "Messages"}` : `${SIGN[here.kind]} ${here.name}`;
  $("#here input[name=text]").placeholder = isDm ? `Message ${state.bot.name}` : `@${state.bot.name} hello, or /assistant list`;
  $("#messages").hidden = home;
  $("#home").hidden = !home;
  const said = entries(false);
  fill($("#messages"), isDm && !said.length ? [prompts()] : said);
  // Shown first: a list that is hidden has no end to keep in sight.
  $("#thread").hidden = !thread;
  fill($("#replies"), entries(true));
  drawHome();
  working();
  wire();
  forms(state, me(), called);
}

async function enter() {
  stopEditing();
  await act("dms", { user: me() });
  state = await look();
  if (channel(place)?.kind === "im") go(state.channels.find((one) => one.user === me()).id);
  draw();
}

$("#new").onsubmit = async (event) => {
  event.preventDefault();
  const made = await act("channels", { name: event.target.elements.name.value });
  event.target.reset();
  state = await look();
  go(made.id);
};
$("#close").onclick = () => { thread = null; draw(); };
$("#who").onchange = enter;
composer($("#here"), () => ({ user: me(), channel: place, commands: state.commands }));
composer($("#inside"), () => ({ user: me(), channel: place, thread_ts: thread, commands: [] }));

state = await look();
$("#who").replaceChildren(...state.users.map((user) => element("option", { value: user.id }, user.name)));
await enter();
// Nothing can be typed before it is known where it would go.
$("#here input[name=text]").disabled = false;
follow((now) => { state = now; draw(); });
