// The event stream of one conversation: reopened when it breaks, closed while the page is hidden.

import { ApiError, eventsOf, transcript } from "./api.js";

const SILENCE = 40_000; // the server gives a sign of life every 15 s
const PAUSES = [500, 1000, 2000, 3000];
const NAMES = ["transcript", "moment", "models", "problem"];

export class Stream {
  // Calls `told(name, data)` for every event, `lost(sentence)` when it breaks, `open()` when it is open again.
  constructor(key, { told, lost, open }) {
    Object.assign(this, { key, told, lost, open, source: null, timer: 0, failures: 0, closed: false });
    // A browser allows six connections per host, so a hidden tab must not hold one.
    this.looked = () => (document.hidden ? this.#drop() : this.source || this.#connect());
    document.addEventListener("visibilitychange", this.looked);
    this.#connect();
  }

  close() {
    this.closed = true;
    document.removeEventListener("visibilitychange", this.looked);
    this.#drop();
  }

  // A new stream sends everything from the beginning.
  renew() {
    this.#connect();
  }

  #connect() {
    this.#drop();
    if (this.closed) return;
    const source = (this.source = new EventSource(eventsOf(this.key)));
    source.onopen = () => {
      this.#heard();
      this.open();
    };
    source.addEventListener("here", () => this.#heard());
    for (const name of NAMES) {
      source.addEventListener(name, (event) => {
        this.#heard();
        this.told(name, JSON.parse(event.data));
      });
    }
    source.onerror = () => this.#broke();
    this.#watchSilence();
  }

  #heard() {
    this.failures = 0;
    this.#watchSilence();
  }

  #watchSilence() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#broke(), SILENCE);
  }

  #broke(sentence = "") {
    this.#drop();
    this.lost(sentence);
    const pause = PAUSES[Math.min(this.failures++, PAUSES.length - 1)];
    this.timer = setTimeout(() => this.#again(), pause);
  }

  // EventSource does not say why it was refused; a plain request does.
  async #again() {
    try {
      await transcript(this.key);
    } catch (error) {
      if (this.closed) return;
      if (error instanceof ApiError && error.status === 400) {
        this.close();
        this.lost(error.message);
      } else {
        this.#broke(error.status ? error.message : "");
      }
      return;
    }
    if (!document.hidden && !this.source) this.#connect();
  }

  #drop() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }
}
