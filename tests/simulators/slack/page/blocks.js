// Blocks as people see them, with everything in them that can be pressed. `press(action_id, value)` does it.
import { act, element } from "/common/live.js";
import { text } from "/page/text.js";

export function blocks(given, how) {
  return given.filter((one) => one.type !== "rich_text").map((one) => (DRAWN[one.type] ?? unknown)(one, how));
}

const say = (told, how) => text(told.text, { ...how, markdown: false });
const row = (kind, ...inner) => element("div", { className: `block ${kind}` }, ...inner);
const unknown = (block) => row("context", `[${block.type}]`);

const DRAWN = {
  header: (block) => element("h3", {}, block.text.text),
  divider: () => element("hr"),
  markdown: (block, how) => text(block.text, { ...how, markdown: true }),
  section: (block, how) => row("section", element("div", {}, block.text ? say(block.text, how) : null, ...(block.fields ?? []).map((one) => say(one, how))), block.accessory ? pressed(block.accessory, how) : null),
  context: (block, how) => row("context", ...block.elements.map((one) => (one.type === "image" ? "🖼" : say(one, how)))),
  actions: (block, how) => element("div", { className: "controls" }, ...block.elements.map((one) => pressed(one, how))),
  context_actions: (block, how) => element("div", { className: "controls" }, ...block.elements.flatMap((one) => feedback(one, how))),
  image: (block) => element("img", { className: "picture", src: block.image_url ?? "", alt: block.alt_text }),
};

function feedback(told, { press }) {
  if (told.type !== "feedback_buttons") return [pressed(told, { press })];
  return [told.positive_button, told.negative_button].map((one) =>
    element("button", { type: "button", onclick: () => press(told.action_id, one.value) }, one.text.text));
}

export function pressed(told, how) {
  if (told.type === "external_select") return external(told, how);
  if (told.options || told.option_groups) return told.type === "checkboxes" ? boxes(told, how) : select(told, how);
  const label = told.text?.text ?? told.icon ?? told.type;
  const open = () => (told.url ? window.open(told.url, "_blank", "noreferrer") : null, how.press(told.action_id, null));
  return element("button", { type: "button", className: told.style ?? "", onclick: open }, label);
}

const optionsOf = (told) => [...(told.options ?? []), ...(told.option_groups ?? []).flatMap((group) => group.options)];
const chosen = (told, one) => [told.initial_option, ...(told.initial_options ?? [])].some((first) => first?.value === one.value);

function select(told, { press }) {
  const first = element("option", { value: "", disabled: true, selected: true }, told.placeholder?.text ?? "⋯");
  const options = optionsOf(told).map((one) => element("option", { value: one.value, selected: chosen(told, one) }, one.text.text));
  const made = element("select", { name: told.action_id, ariaLabel: told.placeholder?.text ?? told.action_id }, first, ...options);
  made.onchange = () => press(told.action_id, made.value);
  return made;
}

function boxes(told, { press }) {
  const made = element("div", {});
  const inputs = told.options.map((one) => element("input", { type: "checkbox", name: told.action_id, value: one.value, checked: chosen(told, one) }));
  made.append(...told.options.map((one, at) => element("label", {}, inputs[at], ` ${one.text.text}`)));
  made.onchange = () => press(told.action_id, inputs.filter((one) => one.checked).map((one) => one.value));
  return made;
}

// A picker whose options the app offers while one types.
function external(told, { press, where }) {
  const list = element("datalist", { id: `offered-${told.action_id}` });
  const box = element("input", { name: told.action_id, placeholder: told.placeholder?.text ?? "", autocomplete: "off" });
  box.setAttribute("list", list.id);
  let offered = [];
  box.oninput = async () => {
    const picked = offered.find((one) => one.text.text === box.value);
    if (picked) return void press(told.action_id, picked);
    offered = (await act("suggest", { ...where, action_id: told.action_id, query: box.value }))?.options ?? [];
    list.replaceChildren(...offered.map((one) => element("option", { value: one.text.text })));
  };
  return element("span", {}, box, list);
}
