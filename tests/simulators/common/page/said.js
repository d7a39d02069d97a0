// What goes with a message on every platform: its reactions, and what a person can do with it.
import { act, drawAgain, element } from "/common/live.js";

// Each reaction is `[sign, title, count]`; it can be pressed if there is a `press`, which gets its place in the list.
export function reactions(given, press = null) {
  const made = given.map(([sign, title, count], at) =>
    element(press ? "button" : "span", { title, onclick: press && (() => press(at)) }, `${sign} ${count}`));
  return element("div", { className: "reactions" }, ...made);
}

// Everybody can copy a message's link. Its author, for whom `typed` is its text, can edit and delete it:
// `where` names it to the simulator.
export function tools(link, where = null, typed = "") {
  const button = (label, onclick) => element("button", { type: "button", onclick }, label);
  const own = where ? [button("Edit", (event) => edit(event.target, where, typed)), button("Delete", (event) => remove(event.target, where))] : [];
  const made = element("div", { className: "tools", role: "group", ariaLabel: "Message actions" });
  made.append(...own, button("Copy link", (event) => copy(event.target, link)));
  return made;
}

// A browser allows it on loopback; elsewhere a person copies the link from a box.
async function copy(button, link) {
  try {
    await navigator.clipboard.writeText(link);
    button.textContent = "Copied";
  } catch {
    prompt("The message's link", link);
  }
}

function remove(button, where) {
  goOn(button);
  act("delete", where);
}

// Moves the focus to the box where the person types, because what had it disappears.
function goOn(from) {
  from.closest("main, aside").querySelector(".composer [name=text]").focus();
}

// Puts a box in the place of the text. Enter saves, Escape cancels.
function edit(button, where, typed) {
  const message = button.closest("li");
  if (message.querySelector(".edit")) return;
  const box = element("textarea", { value: typed, required: Boolean(typed), rows: typed.split("\n").length, ariaLabel: "Edit message" });
  const cancel = element("button", { type: "button", className: "link" }, "Cancel");
  const form = element("form", { className: "edit" }, box, cancel, element("button", { className: "link" }, "Save"));
  const close = () => {
    form.remove();
    goOn(button);
    drawAgain(); // what changed meanwhile
  };
  cancel.onclick = close;
  box.onkeydown = (event) => {
    if (event.key === "Escape") close();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    close();
    if (box.value.trim() !== typed) act("edit", { ...where, text: box.value.trim() });
  };
  message.querySelector(".who").after(form);
  box.focus();
  box.setSelectionRange(typed.length, typed.length);
}

// For a change of person: nobody continues another person's edit.
export function stopEditing() {
  for (const form of document.querySelectorAll(".edit")) form.remove();
}
