// The state of one conversation: a pure model to which events apply in any order, also repeatedly.

const ENDED = new Set(["answered", "stopped", "failed"]);

export class Conversation {
  constructor(key, outbox) {
    this.key = key;
    this.outbox = outbox; // messages the server has not shown yet
    this.exchanges = [];
    this.notes = []; // answers to commands, for this person alone
    this.loaded = false;
  }

  get empty() {
    return this.loaded && !this.exchanges.length && !this.outbox.all.length && !this.notes.length;
  }

  get growing() {
    return this.exchanges.some((exchange) => exchange.state === "answering");
  }

  replace(exchanges) {
    const live = new Map(this.exchanges.filter((e) => e.turn !== null).map((e) => [e.turn, e]));
    this.exchanges = exchanges.map((exchange) => this.#fresher(exchange, live.get(exchange.turn)));
    this.loaded = true;
    for (const exchange of exchanges) for (const event of exchange.events) this.outbox.arrived(event);
  }

  // The transcript contains an answer only once it has ended; until then, what was streamed is newer.
  #fresher(read, seen) {
    if (!seen || ENDED.has(read.state) || !seen.answer.length) return read;
    return { ...read, answer: seen.answer, status: seen.status, assistant: seen.assistant, state: seen.state };
  }

  // Returns false if the event continues something that is missing here; the stream must then be reopened.
  apply(moment) {
    if (moment.kind === "asked") return this.#asked(moment);
    const exchange = this.exchanges.find((e) => e.turn === moment.turn);
    if (!exchange || (moment.kind === "snapshot" && ENDED.has(exchange.state))) return true;
    const answer = moment.segments.map((segment, place) => grown(segment, exchange.answer[place]));
    if (answer.includes(null)) return false;
    exchange.answer = answer;
    exchange.status = moment.status;
    exchange.assistant = moment.assistant || exchange.assistant;
    exchange.state = moment.kind === "snapshot" ? "answering" : "answered";
    return true;
  }

  #asked({ event, question, files }) {
    this.outbox.arrived(event);
    if (this.exchanges.some((exchange) => exchange.events.includes(event))) return true;
    const asked_at = Date.now() / 1000;
    this.exchanges.push({ turn: null, question, files, answer: [], assistant: "", state: "waiting", events: [event], asked_at });
    return true;
  }

  // Returns the note's id.
  note(typed, html) {
    const last = this.#said.at(-1);
    const id = `note:${this.notes.length}`;
    this.notes.push({ kind: "note", ids: [id], typed, html, after: last?.ids[0] ?? null });
    return id;
  }

  // Everything to show, in order: exchanges, then unsent messages, each with the notes that followed it.
  get items() {
    const said = this.#said;
    const known = new Set(said.flatMap((item) => item.ids));
    const items = this.notes.filter((note) => !known.has(note.after));
    for (const item of said) items.push(item, ...this.notes.filter((note) => item.ids.includes(note.after)));
    return items;
  }

  get #said() {
    const read = this.exchanges.map((exchange) => ({ ...exchange, kind: "exchange", ids: idsOf(exchange) }));
    const sent = this.outbox.all.map((message) => ({
      ...message, kind: "exchange", ids: [message.event], question: message.text, answer: [], assistant: "", message,
    }));
    return [...read, ...sent];
  }
}

// Applies the new blocks of a growing text; null if the blocks they continue are missing.
function grown(segment, before) {
  if (segment.keeps === undefined) return segment;
  const kept = (before?.blocks ?? []).slice(0, segment.keeps);
  return kept.length < segment.keeps ? null : { ...segment, blocks: [...kept, ...segment.blocks] };
}

// A message keeps its event id when a turn takes it up, so it keeps its place on the page.
function idsOf(exchange) {
  return exchange.turn === null ? exchange.events : [...exchange.events, `turn:${exchange.turn}`];
}
