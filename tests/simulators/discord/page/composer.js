// The box to type in: messages, and slash commands with what the app offers for them.
import { act, bytesOf, chosenFiles, element, notice } from "/common/live.js";
import { openForm } from "/page/forms.js";

// Every command and subcommand as it is typed: its words, its description, its options.
function typed(commands) {
  const below = (told, words) => {
    const inner = (told.options ?? []).filter((one) => one.type <= 2);
    return inner.length ? inner.flatMap((one) => below(one, `${words} ${one.name}`)) : [{ words, description: told.description, options: told.options ?? [] }];
  };
  return commands.filter((one) => one.type === 1).flatMap((one) => below(one, `/${one.name}`));
}

export function composer(form, where) {
  const [box, list, chooser] = [form.elements.text, form.querySelector(".suggestions"), form.elements.file];
  let asked = 0;

  const offer = (entries) => {
    list.replaceChildren(...entries.map(([text, label, hint]) => element("li", {}, element("button", { type: "button", onclick: () => take(text) }, label, element("small", {}, hint)))));
    list.hidden = entries.length === 0;
  };

  const take = (text) => {
    box.value = text;
    box.focus();
    suggest();
  };

  // Commands that begin so; once one is whole, what the app offers for its option.
  const suggest = async () => {
    const mine = ++asked;
    const { state, user, channel } = where();
    const known = box.value.startsWith("/") ? typed(state.commands) : [];
    const whole = known.find((one) => box.value.startsWith(`${one.words} `));
    const option = whole?.options.find((one) => one.autocomplete);
    if (option) {
      const answer = await act("complete", { user, channel, text: box.value, option: option.name });
      if (mine === asked) offer((answer?.choices ?? []).filter((one) => box.value !== `${whole.words} ${one.value}`).map((one) => [`${whole.words} ${one.value}`, one.name, option.name]));
    } else {
      const begun = known.filter((one) => !whole && one.words.startsWith(box.value.trim()));
      offer(begun.map((one) => [`${one.words} `, one.words, [...one.options.map((o) => o.name), one.description].join(" · ")]));
    }
  };

  const send = async () => {
    const text = box.value.trim();
    const files = await Promise.all([...chooser.files].map(async (one) => ({ name: one.name, type: one.type, data: await bytesOf(one) })));
    if (!text && !files.length) return;
    form.reset();
    asked += 1;
    offer([]);
    const { user, channel } = where();
    if (!text.startsWith("/")) return void (await act("say", { user, channel, text, files }));
    const answer = await act("command", { user, channel, text });
    if (!answer && !box.value) box.value = text; // refused: the person can correct it
    if (answer?.failed) notice("The application did not respond");
    if (answer?.modal) openForm(answer, user);
  };

  box.oninput = suggest;
  chosenFiles(chooser, box);
  box.onkeydown = (event) => { if (event.key === "Escape") offer([]); };
  form.onsubmit = (event) => { event.preventDefault(); send(); };
}
