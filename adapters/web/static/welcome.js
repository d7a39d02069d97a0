// The welcome screen: which assistants can answer, and three suggestions.

import { $, element, setHidden } from "./dom.js";

const IDEAS = {
  tour: ["Show me around", "Hello"],
  assistant: ["Help me say no kindly", "Help me say no, kindly, to a meeting that should be an email."],
  "small-talk": ["Chat about the weather", "What do you like about rainy days?"],
  "math-tutor": ["Solve 3x + 11 = 14", "I need to solve the equation 3x + 11 = 14. Can you help me?"],
};

export class Welcome {
  constructor(ask) {
    this.ask = ask;
  }

  show(visible, choices, status) {
    setHidden($("welcome"), !visible);
    if (!visible || !choices.length) return;
    $("today").textContent = today(choices, status);
    $("suggestions").replaceChildren(...three(choices).map((choice) => this.#suggestion(choice)));
  }

  #suggestion(choice) {
    const [title, text] = IDEAS[choice.name] ?? [`Say hello to ${choice.title}`, "Hello"];
    const about = choice.ready ? choice.title : `${choice.title} · needs a model`;
    const button = element("button", { type: "button" }, element("strong", { text: title }), element("span", { text: about }));
    button.onclick = () => this.ask(choice, text);
    return element("li", {}, button);
  }
}

// The Tour first, then the assistants that can answer now, in the order of the configuration.
function three(choices) {
  const rank = (choice) => (choice.name === "tour" ? 0 : choice.ready ? 1 : choice.name in IDEAS ? 2 : 3);
  const ideas = [...choices].sort((one, other) => rank(one) - rank(other));
  const ready = ideas.filter((choice) => choice.ready).slice(0, 3);
  const missing = ideas.filter((choice) => !choice.ready && choice.name !== "assistant");
  return [...ready, ...missing].slice(0, 3);
}

function today(choices, status) {
  const names = (ready) => listed(choices.filter((choice) => choice.ready === ready).map((choice) => choice.title));
  if (status?.connected) return `Answers come from ${status.model}.`;
  if (!names(false)) return "";
  return `Today ${names(true)} can answer. ${names(false)} will, once you connect a model.`;
}

const listed = (names) => new Intl.ListFormat("en").format(names);
