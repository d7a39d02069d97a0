// What a program of the npm SDK does with an Assistants server, as its own documentation shows it.
import OpenAI from "openai";
import assert from "node:assert/strict";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: "any", maxRetries: 0 });
const { assistants, threads } = client.beta;

const weather = { type: "function", function: { name: "weather", parameters: { type: "object", properties: {} } } };
const assistant = await assistants.create({ model: "default", name: "Weather", tools: [weather] });
const thread = await threads.create({ messages: [{ role: "user", content: "weather?" }] });

// A stream to the calls, put together by the SDK out of fragments.
const stream = threads.runs.stream(thread.id, { assistant_id: assistant.id });
const seen = [];
stream.on("toolCallCreated", (call) => seen.push(call.type)).on("textDelta", (delta) => seen.push(delta.value));
const waiting = await stream.finalRun();
assert.equal(waiting.status, "requires_action");
assert.deepEqual(seen, ["function"]);
const [call] = waiting.required_action.submit_tool_outputs.tool_calls;
assert.deepEqual(JSON.parse(call.function.arguments), { city: "Oslo" });

// The outputs, and the answer as it grows.
let text = "";
const answer = threads.runs.submitToolOutputsStream(waiting.id, {
  thread_id: thread.id,
  tool_outputs: [{ tool_call_id: call.id, output: "rain" }],
});
answer.on("textDelta", (delta) => (text += delta.value));
assert.equal((await answer.finalRun()).status, "completed");
assert.equal(text, "It rains.");
const [message] = await answer.finalMessages();
assert.equal(message.content[0].text.value, "It rains.");

// Polling, lists, errors.
const again = await threads.runs.createAndPoll(thread.id, { assistant_id: assistant.id }, { pollIntervalMs: 10 });
assert.equal(again.status, "completed");
const roles = [];
for await (const said of threads.messages.list(thread.id, { limit: 1, order: "asc" })) roles.push(said.role);
assert.deepEqual(roles, ["user", "assistant", "assistant"]);
await assert.rejects(threads.retrieve("thread_nobody"), OpenAI.NotFoundError);
await assert.rejects(threads.runs.cancel(again.id, { thread_id: thread.id }), /Cannot cancel run with status 'completed'/);

// Files and a vector store.
const file = new File(["apples and pears"], "fruit.txt");
const store = await client.vectorStores.create({ name: "Fruit" });
await client.vectorStores.fileBatches.uploadAndPoll(store.id, { files: [file] }, { pollIntervalMs: 10 });
const found = [];
for await (const result of client.vectorStores.search(store.id, { query: "apple" })) found.push(result.filename);
assert.deepEqual(found, ["fruit.txt"]);
await assistants.delete(assistant.id);
console.log("all well");
