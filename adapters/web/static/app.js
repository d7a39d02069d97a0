// The page: shows one conversation, fed by its event stream, and sends what the composer contains.

import * as api from "./api.js";
import { Announcer } from "./announcer.js";
import { Composer, isCommand } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Desk } from "./desk.js";
import { $, setHidden, setText } from "./dom.js";
import { Entries } from "./entries.js";
import { Draft, forget, Outbox } from "./outbox.js";
import { Picker } from "./picker.js";
import { Sidebar } from "./sidebar.js";
import { Stream } from "./stream.js";
import { onThePage, Transcript } from "./transcript.js";
import { Welcome } from "./welcome.js";

const NEAR_END = 80; // pixels from the end that still count as reading along
const LOST = "Connection lost. What you write is kept; reconnecting…";
const RESTARTING = "Threadline is restarting. Your message will be sent when it is back.";

class Page {
  constructor() {
    this.list = [];
    this.named = history.state?.fresh ? null : keyInAddress(); // by a link from elsewhere
    this.lostTimer = 0;
    this.scroller = $("scroller");
    this.announcer = new Announcer($("announcer"));
    this.picker = new Picker((choice) => this.send(`/assistant use ${choice.name}`));
    this.sidebar = new Sidebar((key) => this.open(key), (conversation, button) => this.entries.open(conversation, button));
    this.entries = new Entries({ renamed: () => this.refreshList(), removed: ({ key }) => this.gone(key) });
    this.composer = new Composer((text, files) => this.send(text, files), () => this.command("/assistant stop", { quiet: true }));
    this.welcome = new Welcome((choice, text) => this.try(choice, text));
    this.desk = new Desk(() => this.refreshAssistants());
    this.transcript = new Transcript($("transcript"), {
      remedy: (exchange, isLast) => this.desk.remedy(exchange, isLast, () => this.send(exchange.question, exchange.files)),
      resend: (message) => this.deliver(this.conversation, message),
      discard: (message) => this.discard(message),
    });
    $("latest").onclick = () => this.toEnd();
    // A reader at the end of the transcript stays at the end as it grows.
    this.following = true;
    this.scroller.onscroll = () => this.scrolled();
    const sizes = new ResizeObserver(() => this.following && this.toEnd());
    for (const node of [$("transcript"), this.scroller]) sizes.observe(node);
    window.onpopstate = () => this.open(keyInAddress(), { record: "" });
  }

  // Show a conversation, or a new one without a key. `record` is how it enters the browser's history, if at all.
  open(key, { record = "pushState" } = {}) {
    this.stream?.close();
    const fresh = key ?? `web:${api.uuid()}`;
    if (record) history[record]({ fresh: !key }, "", `/c/${fresh}`);
    const conversation = (this.conversation = new Conversation(fresh, new Outbox(fresh)));
    this.composer.open(new Draft(fresh));
    this.stream = new Stream(fresh, {
      told: (name, data) => this.told(conversation, name, data),
      lost: (sentence) => this.lost(sentence),
      open: () => this.found(conversation),
    });
    this.render({ toEnd: true });
    this.refreshAssistants();
    this.refreshList();
    this.composer.focus();
  }

  told(conversation, name, data) {
    if (conversation !== this.conversation) return;
    if (name === "models") this.desk.show(data);
    if (name === "problem") this.lost(data.error);
    if (name === "transcript") conversation.replace(data.exchanges);
    if (name === "moment" && data.kind === "deleted") return this.gone(conversation.key);
    if (name === "moment" && !conversation.apply(data)) return this.stream.renew();
    this.render();
    if (name === "moment") this.happened(data);
  }

  // It was deleted, here or in another window.
  gone(key) {
    for (const file of new Draft(key).files) api.discard(file.id);
    forget(key);
    if (key === this.conversation.key) this.open(null, { record: "replaceState" });
    else this.refreshList();
    this.announcer.say("The conversation was deleted.");
    this.composer.focus();
  }

  happened(moment) {
    const words = () => this.transcript.words(`turn:${moment.turn}`, { growing: moment.kind === "snapshot" });
    if (moment.kind !== "asked") this.announcer.hear(moment, words);
    if (moment.kind !== "snapshot") this.refreshList();
  }

  async send(text, files = []) {
    if (isCommand(text)) return this.command(text);
    const conversation = this.conversation;
    const message = conversation.outbox.add(api.uuid(), text, files);
    await this.deliver(conversation, message);
  }

  // A retry sends the same message: its id stays.
  async deliver(conversation, message) {
    Object.assign(message, { state: "sending", error: "" });
    this.render({ toEnd: true });
    try {
      const { outcome, reason } = await api.send(conversation.key, message.id, message.text, message.files);
      if (outcome === "ignored") Object.assign(message, { state: "unsent", error: `This message was ignored: ${reason}.` });
      else conversation.outbox.accepted(message);
      if (outcome === "duplicate") await this.reread(conversation, message);
    } catch (error) {
      const words = error.restarting ? RESTARTING : error.message; // the stream reopens after the restart, see `found`
      Object.assign(message, { state: "unsent", error: words, hopeless: error.status === 400 });
    }
    this.render();
    this.refreshList();
  }

  // The server already had the message, perhaps for so long that no event reports it.
  async reread(conversation, message) {
    const { exchanges } = await api.transcript(conversation.key);
    conversation.outbox.drop(message);
    conversation.replace(exchanges);
  }

  discard(message) {
    this.conversation.outbox.drop(message);
    message.files.forEach((file) => api.discard(file.id));
    this.render();
    this.composer.focus();
  }

  // Returns whether the command was carried out; if not, the text is back in the box.
  async command(text, { quiet = false } = {}) {
    const conversation = this.conversation;
    try {
      const answer = await api.send(conversation.key, api.uuid(), text);
      if (answer.conversation) this.open(answer.conversation);
      if (!quiet) this.#note(text.trim(), onThePage(answer.html, " at the top of this page"));
    } catch (error) {
      this.composer.restore(text, error.message);
      return false;
    }
    await this.refreshAssistants();
    this.render({ toEnd: true });
    return true;
  }

  #note(typed, html) {
    const id = this.conversation.note(typed, html);
    this.render({ toEnd: true });
    this.announcer.say(this.transcript.words(id));
  }

  async try(choice, text) {
    this.composer.focus();
    if (choice.chosen || (await this.command(`/assistant use ${choice.name}`, { quiet: true }))) await this.send(text);
  }

  async refreshAssistants() {
    const conversation = this.conversation;
    const choices = await api.assistants(conversation.key).catch(() => null); // asked again when the stream opens
    if (choices === null || conversation !== this.conversation) return;
    this.picker.show(choices);
    this.render();
  }

  async refreshList() {
    this.list = await api.conversations().catch(() => this.list); // the banner says when nothing is reached
    this.sidebar.show(this.list, this.conversation.key);
    const title = this.list.find((c) => c.key === this.conversation.key)?.title;
    document.title = title ? `${title} · Threadline` : "Threadline";
  }

  lost(sentence) {
    // A short interruption is not reported.
    clearTimeout(this.lostTimer);
    this.lostTimer = setTimeout(() => this.#banner(sentence || LOST), sentence ? 0 : 900);
  }

  async found(conversation) {
    clearTimeout(this.lostTimer);
    this.#banner("");
    this.refreshAssistants();
    this.refreshList();
    for (const message of conversation.outbox.unsent) {
      if (!message.hopeless) await this.deliver(conversation, message);
    }
  }

  render({ toEnd = false } = {}) {
    this.transcript.show(this.conversation.items);
    this.composer.offerStop(this.conversation.growing);
    this.welcome.show(this.conversation.empty, this.picker.choices, this.desk.status);
    setHidden($("nothing"), this.conversation.key !== this.named);
    if (toEnd || this.following) this.toEnd();
  }

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.following = scrollHeight - scrollTop - clientHeight < NEAR_END;
    setHidden($("latest"), this.following);
  }

  toEnd() {
    this.following = true;
    this.scroller.scrollTop = this.conversation.empty ? 0 : this.scroller.scrollHeight;
  }

  #banner(sentence) {
    setText($("connection"), sentence);
    setHidden($("connection"), !sentence);
  }
}

function keyInAddress() {
  const match = location.pathname.match(/^\/c\/(.+)$/);
  return match ? decodeURIComponent(match[1]) : null;
}

const page = new Page();
const key = keyInAddress() ?? `web:${api.uuid()}`;
history.replaceState({ fresh: !page.named }, "", `/c/${key}`);
page.open(key, { record: "" });
