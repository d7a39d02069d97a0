// Keeps drafts and unsent messages until the server has them, also across a reload.

const read = (name, otherwise) => {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise; // no storage here, or not ours: the page works without
  }
};

const write = (name, value) => {
  try {
    if (value === null || value === "" || value.length === 0) localStorage.removeItem(name);
    else localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // Without storage, a reload loses the draft, but sending still works.
  }
};

// Removes everything of a deleted conversation from this browser.
export const forget = (key) => {
  for (const kind of ["draft", "files", "outbox"]) write(`threadline:${kind}:${key}`, null);
};

export class Draft {
  constructor(key) {
    this.name = `threadline:draft:${key}`;
    this.filesName = `threadline:files:${key}`;
  }

  get files() {
    return read(this.filesName, []);
  }

  set files(value) {
    write(this.filesName, value);
  }

  get text() {
    return read(this.name, "");
  }

  set text(value) {
    write(this.name, value);
  }
}

export class Outbox {
  constructor(key) {
    this.platform = key.split(":", 1)[0];
    this.name = `threadline:outbox:${key}`;
    this.all = read(this.name, []).map((message) => ({ files: [], ...message, state: "unsent", error: "" }));
  }

  add(id, text, files) {
    const message = { id, event: `${this.platform}:${id}`, text, files, state: "sending", error: "" };
    this.all.push(message);
    this.#save();
    return message;
  }

  // The server has stored the message; it stays visible until the transcript contains it.
  accepted(message) {
    message.state = "waiting";
    this.#save();
  }

  arrived(event) {
    this.all = this.all.filter((message) => message.event !== event);
    this.#save();
  }

  drop(message) {
    this.arrived(message.event);
  }

  get unsent() {
    return this.all.filter((message) => message.state === "unsent");
  }

  #save() {
    const kept = this.all.filter((message) => message.state !== "waiting");
    write(this.name, kept.map(({ id, event, text, files }) => ({ id, event, text, files })));
  }
}
