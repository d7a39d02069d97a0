// The card that connects a model: offers model servers on this machine, tests the endpoint, never shows a key again.

import { connect, found } from "./api.js";
import { copy, element } from "./dom.js";

export const hostOf = (address) => {
  try {
    return new URL(address).host;
  } catch {
    return address;
  }
};

export class ConnectCard {
  // `connected(status)` is called once a model has answered; `then` is what to offer afterwards.
  constructor({ connected, heading = true, then = null }) {
    Object.assign(this, { connected, then });
    this.form = copy("connect-card");
    this.outcome = this.form.querySelector(".outcome");
    if (then) this.form.append(then);
    if (!heading) this.form.querySelector(".card-title").remove();
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
  }

  show(status) {
    const now = this.form.querySelector(".now");
    now.textContent = status?.connected
      ? `Connected now: ${status.model} at ${hostOf(status.base_url)}. Another one replaces it.`
      : "";
    if (this.then) this.then.hidden = !status?.connected;
  }

  async discover() {
    const servers = await found().catch(() => []); // an offer only: without it the form is all there is
    const offers = servers.flatMap((server) => server.models.map((model) => this.#offer(server, model)));
    this.form.querySelector(".found").hidden = offers.length === 0;
    this.form.querySelector(".found ul").replaceChildren(...offers);
  }

  #offer(server, model) {
    const button = element("button", { type: "button", className: "offer" },
      element("strong", { text: model }), element("span", { text: ` ${server.name} · ${hostOf(server.base_url)}` }));
    button.onclick = () => {
      Object.assign(this.form.elements.base_url, { value: server.base_url });
      Object.assign(this.form.elements.model, { value: model });
      this.form.elements.api_key.value = "";
      this.#submit();
    };
    return element("li", {}, button);
  }

  async #submit() {
    const { base_url, api_key, model } = this.form.elements;
    if (!base_url.value.trim()) {
      base_url.focus();
      return this.#say("Fill in the address.", "bad");
    }
    this.#busy(true);
    this.#say(`Trying ${model.value.trim() || hostOf(base_url.value)}…`, "busy");
    try {
      const status = await connect({ base_url: base_url.value, api_key: api_key.value, model: model.value });
      this.form.reset();
      this.show(status);
      this.#say(`Connected: ${status.model} answers.`, "good");
      this.connected(status);
    } catch (error) {
      this.#say(error.message, "bad");
    } finally {
      this.#busy(false);
    }
  }

  #busy(busy) {
    for (const control of this.form.querySelectorAll("button, input")) control.disabled = busy;
  }

  #say(sentence, mood) {
    this.outcome.textContent = sentence;
    this.outcome.dataset.mood = mood;
  }
}
