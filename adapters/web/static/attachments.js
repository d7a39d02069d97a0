// The files of the message being written: chosen, pasted or dropped, uploaded ahead of it, and removed.

import * as api from "./api.js";
import { $, element, setHidden } from "./dom.js";

const MB = 1024 * 1024;

export class Attachments {
  // `changed()` is called when a file is added or removed, `complain(sentence)` when one is refused.
  constructor({ changed, complain }) {
    Object.assign(this, { changed, complain, draft: null, files: [], coming: [], limits: null, last: null });
    $("attach").onclick = () => $("chosen").click();
    $("chosen").onchange = () => {
      this.add([...$("chosen").files]);
      $("chosen").value = ""; // the same file may be chosen again
    };
    this.#listen();
  }

  // Restore the files attached in this conversation before.
  open(draft) {
    this.draft = draft;
    this.files = draft.files;
    this.#show();
  }

  get busy() {
    return this.#here.length > 0;
  }

  // The files to send with the message; they belong to it from then on.
  take() {
    const { files } = this;
    this.#keep(this.draft, []);
    return files;
  }

  async add(chosen) {
    const { draft } = this;
    this.complain("");
    for (const file of chosen) {
      const refusal = await this.#refusal(file);
      if (refusal) {
        this.complain(refusal);
        continue;
      }
      const coming = { draft, file, ended: false };
      this.coming.push(coming);
      this.#show();
      // One after the other, to keep the order in which they were chosen.
      this.last = Promise.resolve(this.last).then(() => this.#send(coming));
    }
  }

  async #refusal(file) {
    try {
      this.limits ??= await api.fileLimits();
    } catch (error) {
      return `“${file.name}” was not attached. ${error.message}`;
    }
    const { most, largest } = this.limits;
    if (this.files.length + this.#here.length >= most) {
      return `A message has at most ${most} files: “${file.name}” was not attached. Send it with another message.`;
    }
    if (file.size > largest) {
      return `“${file.name}” was not attached. It is too large: files of up to ${largest / MB} MiB are read here.`;
    }
    return file.size ? "" : `“${file.name}” was not attached. It is empty, or a folder.`;
  }

  async #send(coming) {
    const { draft, file } = coming;
    try {
      if (coming.ended) return;
      const kept = await api.attach(file);
      if (coming.ended) api.discard(kept.id);
      else this.#keep(draft, [...(draft === this.draft ? this.files : draft.files), kept]);
    } catch (error) {
      if (!coming.ended) this.complain(`“${file.name}” was not attached. ${error.message}`);
    } finally {
      this.coming = this.coming.filter((one) => one !== coming);
      this.#show();
    }
  }

  get #here() {
    return this.coming.filter((one) => one.draft === this.draft && !one.ended);
  }

  #keep(draft, files) {
    draft.files = files;
    if (draft !== this.draft) return;
    this.files = files;
    this.#show();
  }

  #show() {
    const chips = this.files.map((file) => chip(file, () => this.#remove(file)));
    const coming = this.#here.map((one) => chip({ name: one.file.name, size: one.file.size }, () => this.#stop(one)));
    $("attached").replaceChildren(...chips, ...coming);
    setHidden($("attached"), !chips.length && !coming.length);
    this.changed();
  }

  #remove(file) {
    this.#keep(this.draft, this.files.filter((one) => one !== file));
    api.discard(file.id);
    $("question").focus();
  }

  #stop(coming) {
    coming.ended = true;
    this.#show();
  }

  #listen() {
    document.addEventListener("paste", (event) => {
      const { files, types } = event.clipboardData;
      // Table cells are copied as text and as a picture; use the text.
      if (!files.length || types.includes("text/plain") || $("desk").open) return;
      event.preventDefault();
      this.add([...files]);
    });
    const carries = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
    document.addEventListener("dragenter", (event) => carries(event) && $("composer").classList.add("over"));
    document.addEventListener("dragleave", (event) => event.relatedTarget || $("composer").classList.remove("over"));
    document.addEventListener("drop", (event) => {
      $("composer").classList.remove("over");
      if (!carries(event)) return;
      event.preventDefault();
      this.add([...event.dataTransfer.files]);
    });
  }
}

function chip(file, remove) {
  const about = file.id ? sizeOf(file.size) : "Uploading…";
  return element("li", { className: file.id ? "chip" : "chip coming" },
    ...(file.picture ? [element("img", { src: api.addressOf(file.id), alt: "" })] : []),
    element("span", { className: "chip-name", text: file.name, title: file.name }),
    element("span", { className: "quiet", text: about }),
    element("button", { type: "button", className: "icon-button", text: "✕", ariaLabel: `Remove ${file.name}`, onclick: remove }));
}

// The files of a sent message.
export function fillSent(root, files) {
  setHidden(root, !files.length);
  const shown = JSON.stringify(files);
  if (root.dataset.shown === shown) return;
  root.dataset.shown = shown;
  root.replaceChildren(...files.map((file) => element("li", { className: file.picture ? "picture" : "chip" }, sent(file))));
}

function sent(file) {
  const name = element("span", { className: "chip-name", text: file.name });
  const size = element("span", { className: "quiet", text: sizeOf(file.size) });
  if (!file.id) return element("span", { className: "chip-words" }, name, size);
  const href = api.addressOf(file.id);
  const picture = file.picture && element("img", { src: href, alt: file.name, loading: "lazy" });
  return element("a", { className: picture ? "" : "chip-words", href, download: file.name, title: file.name }, ...(picture ? [picture] : [name, size]));
}

function sizeOf(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
