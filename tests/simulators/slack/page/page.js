// The workspace as one person sees it, told of every change by a long poll.
const $ = (selector) => document.querySelector(selector);
let state = null;
let place = null;
let thread = null;

async function act(action, order) {
  const response = await fetch(`/sim/${action}`, { method: "POST", body: JSON.stringify(order) });
  return response.json();
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function nameOf(id) {
  return id === state.bot.user_id ? state.bot.name : (state.users.find((user) => user.id === id)?.name ?? id);
}

function readable(text) {
  return text
    .replace(/<@([A-Z0-9]+)(\|[^>]*)?>/g, (_, id) => `@${nameOf(id)}`)
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

function item(message, inThread) {
  const time = new Date(Number(message.ts) * 1000).toLocaleTimeString();
  const made = element("li", {}, element("b", {}, `${nameOf(message.user)} `, element("small", {}, time)), readable(message.text));
  if (!inThread) {
    const replies = state.messages.filter((m) => m.channel === place && m.thread_ts === message.ts).length;
    made.append("\n", element("button", { onclick: () => openThread(message.ts) }, replies ? `${replies} ${replies === 1 ? "reply" : "replies"}` : "Reply in thread"));
  }
  return made;
}

function openThread(ts) {
  thread = ts;
  draw();
  $("#thread input").focus();
}

function places() {
  const mine = (channel) => channel.kind !== "im" || channel.user === $("#who").value;
  return state.channels.filter(mine).map((channel) => {
    const open = () => { place = channel.id; thread = null; draw(); };
    const label = channel.kind === "im" ? `✦ ${state.bot.name} · Messages` : `# ${channel.name}`;
    return element("li", {}, element("button", { onclick: open, ariaCurrent: String(channel.id === place) }, label));
  });
}

function fill(list, items) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.replaceChildren(...items);
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function draw() {
  const channel = state.channels.find((one) => one.id === place);
  $("#places").replaceChildren(...places());
  $("#title").textContent = channel.kind === "im" ? `${state.bot.name} · Messages` : `# ${channel.name}`;
  const here = state.messages.filter((message) => message.channel === place);
  const whispers = state.whispers.filter((one) => one.channel === place && one.user === $("#who").value).slice(-3)
    .map((one) => element("li", { className: "private" }, element("b", {}, `${state.bot.name} `, element("small", {}, "only you see this")), one.text));
  fill($("#messages"), [...here.filter((message) => !message.thread_ts).map((message) => item(message, false)), ...whispers]);
  fill($("#replies"), here.filter((message) => thread && (message.ts === thread || message.thread_ts === thread)).map((message) => item(message, true)));
  $("#thread").hidden = !thread;
  $("main input").placeholder = channel.kind === "im" ? "Message" : `@${state.bot.name} hello, or /assistant list`;
  $("#health").textContent = `${state.sockets} socket(s), ${state.calls.length} calls` + (state.failures.length ? `, FAILURES: ${state.failures.join(" ")}` : "");
}

async function begin() {
  state = await (await fetch("/sim/state")).json();
  $("#who").replaceChildren(...state.users.map((user) => element("option", { value: user.id }, user.name)));
  $("#who").onchange = () => enter();
  place = state.channels.find((channel) => channel.kind === "channel").id;
  await enter();
  for (;;) {
    state = await (await fetch(`/sim/state?after=${state.version}`)).json();
    draw();
  }
}

async function enter() {
  await act("dms", { user: $("#who").value });
  state = await (await fetch("/sim/state")).json();
  if (!places().some((one) => one.querySelector("[aria-current=true]"))) {
    place = state.channels.find((channel) => channel.kind === "channel").id;
  }
  draw();
}

async function send(form) {
  const input = form.elements.text;
  const text = input.value.trim();
  if (!text) return;
  input.value = "";
  const user = $("#who").value;
  const command = text.match(/^(\/\w+)\s*(.*)$/s);
  if (command) {
    await act("command", { user, channel: place, command: command[1], text: command[2] });
  } else {
    await act("say", { user, channel: place, text, ...(form.dataset.thread ? { thread_ts: thread } : {}) });
  }
}

for (const form of document.querySelectorAll(".composer")) {
  form.onsubmit = (event) => { event.preventDefault(); send(form); };
}
$("#new").onsubmit = async (event) => {
  event.preventDefault();
  place = (await act("channels", { name: event.target.elements.name.value })).id;
  event.target.reset();
  await enter();
};
$("#close").onclick = () => { thread = null; draw(); };
begin();
