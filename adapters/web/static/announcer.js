// Announces a growing answer to screen readers: whole sentences, at most one announcement every 1.5 seconds.

const PAUSE = 1500;
const SENTENCES = /^[\s\S]*[.!?…:](?=\s|$)|^[\s\S]*\n/;

export class Announcer {
  constructor(region) {
    Object.assign(this, { region, turn: null, said: 0, words: () => "", ended: true, timer: 0 });
  }

  say(sentence) {
    this.region.replaceChildren(sentence);
  }

  // `words()` returns the text of the answer without marks; as it grows, text is only appended.
  hear(moment, words) {
    if (moment.turn !== this.turn) Object.assign(this, { turn: moment.turn, said: 0 });
    Object.assign(this, { words, ended: moment.kind === "finished" });
    const wordless = !moment.segments.some((segment) => segment.type === "text");
    if (wordless && moment.status && this.region.textContent !== moment.status) this.say(moment.status);
    this.timer ||= setTimeout(() => this.#speak(), PAUSE);
  }

  #speak() {
    this.timer = 0;
    const rest = this.words().slice(this.said);
    const ready = this.ended ? rest : (rest.match(SENTENCES)?.[0] ?? "");
    if (!ready.trim()) return;
    this.said += ready.length;
    this.say(ready);
  }
}
