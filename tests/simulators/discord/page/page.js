// The server as one person sees it.
import { $, act, element, fill, follow, keep, look } from "/common/live.js";
import { stopEditing } from "/common/said.js";
import { composer } from "/page/composer.js";
import { message, nameOf } from "/page/message.js";

let state = null;
let place = null;
let thread = null;

const me = () => $("#who").value;
const channel = (id) => state.channels.find((one) => one.id === id);

function link(one, label) {
  const open = () => {
    if (one.kind === "thread") return openThread(one.id);
    place = one.id;
    thread = null;
    draw();
  };
  const here = one.id === (thread ?? place);
  return element("button", { onclick: open, ariaCurrent: String(here) }, label);
}

function openThread(id) {
  thread = id;
  place = channel(id).parent;
  draw();
  $("#inside [name=text]").focus();
}

function channels() {
  return state.channels.filter((one) => one.kind === "text").map((one) => {
    const threads = state.channels.filter((inner) => inner.parent === one.id && !inner.archived);
    const below = () => threads.map((inner) => element("li", {}, link(inner, `↳ ${inner.name}`)));
    const build = () => element("li", {}, link(one, `# ${one.name}`), threads.length ? element("ul", {}, ...below()) : null);
    return [one.id, JSON.stringify([one.name, threads.map((inner) => [inner.id, inner.name]), thread ?? place]), build];
  });
}

function dms() {
  const build = (one) => () => element("li", {}, link(one, `@ ${state.bot.name}`));
  return state.channels.filter((one) => one.user === me()).map((one) => [one.id, thread ?? place, build(one)]);
}

function show(list, typing, id) {
  const here = state.messages.filter((one) => one.channel === id && (!one.only_for || one.only_for === me()));
  fill(list, here.map((one) => [one.id, signature(one), () => message(state, one, me(), openThread)]));
  const names = state.typing.filter((one) => one.channel === id && one.user !== me()).map((one) => nameOf(state, one.user));
  typing.textContent = names.length ? `${[...new Set(names)].join(", ")} is typing…` : "";
}

// All that a message's look depends on.
function signature(said) {
  const started = channel(said.id);
  const inside = started ? state.messages.filter((one) => one.channel === said.id).length : 0;
  return JSON.stringify([said, me(), started?.name, inside, state.users.length]);
}

function draw() {
  if (!channel(place)) place = state.channels.find((one) => one.kind === "text").id;
  if (thread && !channel(thread)) thread = null;
  const here = channel(place);
  const title = here.kind === "dm" ? `@ ${state.bot.name}` : `# ${here.name}`;
  keep($("#places"), channels());
  keep($("#dms"), dms());
  $("#title").textContent = title;
  $("#here [name=text]").placeholder = here.kind === "dm" ? `Message @${state.bot.name}` : `@${state.bot.name} hello, or /assistant list`;
  show($("#messages"), $("#typing"), place);
  $("#thread").hidden = !thread;
  if (thread) {
    $("#thread-title").textContent = channel(thread).name;
    $("#inside [name=text]").placeholder = `Message ${channel(thread).name}`;
    show($("#replies"), $("#thread-typing"), thread);
  }
  const failures = state.failures.length ? `, FAILURES: ${state.failures.join(" ")}` : "";
  $("#health").textContent = `${state.bot.name} is ${state.sockets ? "online" : "offline"}; ${state.calls.length} calls${failures}`;
}

async function enter() {
  stopEditing();
  await act("dms", { user: me() });
  state = await look();
  if (channel(place)?.kind === "dm") place = state.channels.find((one) => one.user === me()).id;
  draw();
}

$("#new").onsubmit = async (event) => {
  event.preventDefault();
  place = (await act("channels", { name: event.target.elements.name.value })).id;
  thread = null;
  event.target.reset();
};
$("#close").onclick = () => { thread = null; draw(); };
$("#who").onchange = enter;
composer($("#here"), () => ({ state, user: me(), channel: place }));
composer($("#inside"), () => ({ state, user: me(), channel: thread }));

state = await look();
$("#who").replaceChildren(...state.users.map((user) => element("option", { value: user.id }, user.name)));
await enter();
// Nothing can be typed before it is known where it would go.
$("#here input[name=text]").disabled = false;
follow((now) => { state = now; draw(); });
