// The JSON API: one function per request, and one error type whose message is a sentence for the person.

export class ApiError extends Error {
  // `restarting`: Threadline shuts down, and accepts the same request after its next start.
  constructor(sentence, status, { restarting = false } = {}) {
    super(sentence);
    Object.assign(this, { status, restarting });
  }

  // The outcome of the request is unknown; a retry is safe because requests are idempotent.
  get unanswered() {
    return this.status === 0;
  }
}

const UNREACHABLE = "Threadline cannot be reached.";

async function ask(path, options) {
  let response;
  try {
    response = await fetch(`/chat/api/${path}`, options);
  } catch {
    throw new ApiError(UNREACHABLE, 0);
  }
  if (response.status === 401) location.reload(); // the port asks for the admin token
  const body = await response.json().catch(() => null);
  if (!response.ok) {
    throw new ApiError(body?.error ?? `Threadline answered with an error (${response.status}).`, response.status, body ?? {});
  }
  if (body === null) throw new ApiError(UNREACHABLE, 0);
  return body;
}

const say = (method, path, body) =>
  ask(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

const post = (path, body) => say("POST", path, body);

const place = (key) => `conversations/${encodeURIComponent(key)}`;

export const conversations = async () => (await ask("conversations")).conversations;
export const transcript = (key) => ask(place(key));
export const rename = (key, title) => say("PATCH", place(key), { title });
export const remove = (key) => ask(place(key), { method: "DELETE" });
export const assistants = async (key) => (await ask(`${place(key)}/assistants`)).assistants;
export const send = (key, event, text, files = []) => post(`${place(key)}/messages`, { event, text, files });
export const fileLimits = () => ask("files");
export const attach = (file) =>
  ask(`files?name=${encodeURIComponent(file.name)}`, { method: "POST", headers: { "content-type": "application/octet-stream" }, body: file });
// Best effort; a failure is ignored.
export const discard = (id) => ask(`files/${encodeURIComponent(id)}`, { method: "DELETE" }).catch(() => null);
export const addressOf = (id) => `/chat/api/files/${encodeURIComponent(id)}`;
export const found = async () => (await ask("models/found")).found;
export const connect = async (endpoint) => (await post("models/connect", endpoint)).models;
export const eventsOf = (key) => `/chat/api/${place(key)}/events`;

// crypto.randomUUID exists on https and loopback only; the page may be served elsewhere.
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
