// The box to type in: messages, files, and outside threads slash commands.
import { act, bytesOf, chosenFiles, element, notice } from "/common/live.js";

export function composer(form, where) {
  const [box, list, file] = [form.elements.text, form.querySelector(".suggestions"), form.elements.file];

  const offer = () => {
    const known = box.value.startsWith("/") ? where().commands.filter((one) => one.command.startsWith(box.value)) : [];
    list.replaceChildren(...known.map((one) => {
      const take = () => { box.value = `${one.command} `; offer(); box.focus(); };
      return element("li", {}, element("button", { type: "button", onclick: take }, one.command, element("small", {}, [one.usage_hint, one.description].filter(Boolean).join(" · "))));
    }));
    list.hidden = known.length === 0;
  };

  const send = async () => {
    const { user, channel, thread_ts } = where();
    const words = box.value.trim();
    const files = await Promise.all([...file.files].map((one) => upload(user, one)));
    if (!words && !files.length) return;
    form.reset();
    offer();
    const command = words.match(/^(\/\w+)\s*([^]*)$/);
    if (command && thread_ts) return notice(`${command[1]} is not supported in threads. Sorry!`);
    if (!command) return void (await act("say", { user, channel, text: words, files, ...(thread_ts ? { thread_ts } : {}) }));
    const answer = await act("command", { user, channel, command: command[1], text: command[2] });
    if (answer && !answer.response_url) notice(answer.seen); // Slack knows no such command
  };

  box.oninput = offer;
  box.onkeydown = (event) => { if (event.key === "Escape") list.hidden = true; };
  chosenFiles(file, box);
  form.onsubmit = (event) => { event.preventDefault(); send(); };
}

async function upload(user, file) {
  return (await act("upload", { user, name: file.name, mimetype: file.type, content: await bytesOf(file) })).id;
}
