// A form that an app opened: its fields as it asked for them, sent back as a person would.
import { $, act, element, notice } from "/common/live.js";

export function openForm(asked, user) {
  const form = $("#form form");
  const fields = asked.modal.components.flatMap((one) => field(one));
  const cancel = element("button", { type: "button", onclick: () => $("#form").close() }, "Cancel");
  form.replaceChildren(element("h2", {}, asked.modal.title), ...fields, element("footer", {}, cancel, element("button", {}, "Submit")));
  form.onsubmit = () => send(asked, user, form);
  $("#form").showModal();
}

async function send(asked, user, form) {
  const named = [...form.elements].filter((one) => one.name);
  const values = Object.fromEntries(named.map((one) => [one.name, one.tagName === "SELECT" ? [...one.selectedOptions].map((o) => o.value) : one.value]));
  const answered = await act("submit", { user, interaction: asked.id, values });
  if (answered?.failed) notice("Something went wrong. Try again.");
}

function field(told, label = null, description = null) {
  if (told.type === 10) return [element("p", {}, told.content)];
  if (told.type === 18) return field(told.component, told.label, told.description);
  if (told.components) return told.components.flatMap((one) => field(one));
  const common = { name: told.custom_id, required: told.required ?? true };
  return [element("label", {}, label ?? told.label ?? told.placeholder ?? "", description ? element("small", {}, ` ${description}`) : null, input(told, common))];
}

function input(told, common) {
  if (told.options) {
    const options = told.options.map((one) => element("option", { value: one.value, selected: one.default ?? false }, one.label));
    return element("select", { ...common, multiple: (told.max_values ?? 1) > 1 }, ...options);
  }
  const more = { value: told.value ?? "", placeholder: told.placeholder ?? "", maxLength: told.max_length ?? 4000 };
  return element(told.style === 2 ? "textarea" : "input", { ...common, ...more });
}
