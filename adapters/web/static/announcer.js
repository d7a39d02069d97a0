// Says a growing answer to screen readers: whole sentences, at most one saying every second and a half.

const PAUSE = 1500;
const SENTENCES = /^[\s\S]*[.!?…:](?=\s|$)|^[\s\S]*\n/;

export class Announcer {
  constructor(region) {
    Object.assign(this, { region, turn: null, said: 0, text: "", ended: true, timer: 0 });
  }

  say(sentence) {
    this.region.replaceChildren(sentence);
  }

  // `text` is what the moment's answer says, without marks.
  hear(moment, text) {
    if (moment.turn !== this.turn) Object.assign(this, { turn: moment.turn, said: 0 });
    this.text = text;
    this.ended = moment.kind === "finished";
    if (!this.text && moment.status && this.region.textContent !== moment.status) this.say(moment.status);
    this.timer ||= setTimeout(() => this.#speak(), PAUSE);
  }

  #speak() {
    this.timer = 0;
    const rest = this.text.slice(this.said);
    const ready = this.ended ? rest : (rest.match(SENTENCES)?.[0] ?? "");
    if (!ready.trim()) return;
    this.said += ready.length;
    this.say(ready);
  }
}
