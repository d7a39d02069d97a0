// The form that an app opened for a person: the topmost of theirs, drawn again when the app changes it.
import { $, act, element, notice } from "/common/live.js";
import { blocks, pressed } from "/page/blocks.js";
import { presser } from "/page/message.js";

let drawn = "";

export function forms(state, me, nameOf) {
  const view = state.views.filter((one) => one.type === "modal" && one.user === me).at(-1);
  const now = view ? `${view.id} ${view.hash} ${JSON.stringify(view.errors)}` : "";
  if (now === drawn) return;
  drawn = now;
  if (!view) return $("#form").close();
  const where = { user: me, view_id: view.id };
  const how = { nameOf, press: presser(where), where };
  const form = $("#form form");
  const told = view.view;
  const cancel = element("button", { type: "button", onclick: () => act("close", where) }, told.close?.text ?? "Cancel");
  const fields = told.blocks.flatMap((block) => (block.type === "input" ? [field(block, how, view.errors[block.block_id])] : blocks([block], how)));
  form.replaceChildren(element("h2", {}, told.title.text), ...fields, element("footer", {}, cancel, told.submit ? element("button", {}, told.submit.text) : null));
  form.onsubmit = (event) => { event.preventDefault(); send(where, told, form); };
  $("#form").oncancel = (event) => { event.preventDefault(); act("close", where); };
  if (!$("#form").open) $("#form").showModal();
}

function field(block, how, wrong) {
  const told = block.element;
  const quiet = { ...how, press: (_, value) => { made.dataset.value = JSON.stringify(value); } };
  const typed = told.type.endsWith("_input");
  const made = typed ? element(told.multiline ? "textarea" : "input", { name: told.action_id, value: told.initial_value ?? "", placeholder: told.placeholder?.text ?? "" }) : pressed(told, quiet);
  made.dataset.field = told.action_id;
  return element("label", {}, block.label.text, made, wrong ? element("small", { className: "wrong" }, wrong) : null);
}

async function send(where, told, form) {
  const values = {};
  for (const made of form.querySelectorAll("[data-field]")) {
    if (made.dataset.value) values[made.dataset.field] = JSON.parse(made.dataset.value);
    else if (made.matches("input, textarea")) values[made.dataset.field] = made.value;
  }
  const answered = await act("submit", { ...where, values });
  if (answered && !answered.acked) notice("We had some trouble connecting. Try again?");
}
