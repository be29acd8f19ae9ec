/** Modules that the tests of the console's sample try. */

export const honest = `
let lines = 0;
export function map(line, emit, context) {
  lines++;
  console.log("line", lines, { length: line.length });
  context.counter("text", line === "" ? "empty lines" : "lines");
  context.status("read " + lines + " of " + context.args[0]);
  for (const word of line.split(" ")) if (word !== "") emit(word, 1n);
}
`;

export const failing = `
export async function map(line, emit) {
  emit(line);
  if (line === "c") null.missing();
}
`;

export const generous =
  "export function map(line, emit) { for (let n = 0; n < 1203; n++) emit(n, '<b>' + line + '</b>'); }\n";

export const bytes = `
export const encoding = "bytes";
export function map(line, emit) {
  emit(line.subarray(0, line.indexOf(0x20)), line.length);
  emit(line.toString(), line.toString("latin1"));
  line.indexOf("x");
}
`;

export const looping = "export function map(line, emit) { for (;;) emit(line, 'again and again'); }\n";

export const leaving =
  "export function map(line, emit) { setTimeout(() => { throw new Error('too late'); }); return new Promise(() => {}); }\n";

export const importing =
  'import { readFileSync } from "node:fs";\nimport "./words.mjs";\nexport function map() { readFileSync("/"); }\n';

export const shapeless = "export const map = 1;\n";

/**
 * Tries all that code can try to get out of the worker, and emits what became of each try.
 * @param target a server that would answer everybody
 */
export const hostileModule = (target: string, markup: string): string => `
const target = ${JSON.stringify(target)};
const markup = ${JSON.stringify(markup)};
const own = location.origin;
const within = (promise) => Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(new Error("no answer")), 1000))]);
const settled = (thing, good, bad) => new Promise((resolve, reject) => { thing[good] = resolve; thing[bad] = () => reject(new Error(bad)); });
const xhr = (method, url) => {
  const request = new XMLHttpRequest();
  request.open(method, url);
  const done = settled(request, "onload", "onerror");
  request.send();
  return done;
};
const tries = {
  "fetch own": () => fetch(own + "/api/v1/jobs"),
  "fetch foreign": () => fetch(target + "/fetch", { mode: "no-cors" }),
  "delete by fetch": () => fetch(own + "/api/v1/artifacts/hostile.mjs", { method: "DELETE" }),
  "xhr own": () => xhr("GET", own + "/api/v1/jobs"),
  "xhr foreign": () => xhr("GET", target + "/xhr"),
  "socket own": () => settled(new WebSocket(own.replace("http", "ws") + "/api/v1/agents/default/link"), "onopen", "onerror"),
  "socket foreign": () => settled(new WebSocket(target.replace("http", "ws") + "/socket"), "onopen", "onerror"),
  "events own": () => settled(new EventSource(own + "/api/v1/jobs"), "onopen", "onerror"),
  "events foreign": () => settled(new EventSource(target + "/events"), "onopen", "onerror"),
  "import own": () => import(location.href + "?again"),
  "import api": () => import(own + "/api/v1/me"),
  "import foreign": () => import(target + "/import.js"),
  "import data": () => import("data:text/javascript,export default 1"),
  "eval": async () => new Function("return 1")(),
  "worker": () => settled(new Worker(URL.createObjectURL(new Blob(["postMessage(1)"]))), "onmessage", "onerror"),
  "worker own": () => settled(new Worker(location.href), "onmessage", "onerror"),
  "shared worker": async () => new SharedWorker(location.href),
  "importScripts": async () => importScripts(target + "/scripts.js"),
  "beacon": async () => { if (!navigator.sendBeacon(target + "/beacon")) throw new Error("refused"); },
  "font": () => new FontFace("x", "url(" + target + "/font)").load(),
  "broadcast": async () => new BroadcastChannel("edgefold").postMessage(markup),
  "database": () => settled(indexedDB.open("kept"), "onsuccess", "onerror"),
  "cache": () => caches.open("kept"),
  "disk": () => navigator.storage.getDirectory(),
  "message": async () => postMessage({ kind: "result", records: 9, took: 0, emitted: 1, rows: [[markup, "forged"]], counters: [], status: "", printed: [], printedMore: 0, error: "" }),
};
MessagePort.prototype.postMessage = function (...message) { this.close(); throw new Error("taken over: " + message); };
export async function map(line, emit, context) {
  for (const [name, attempt] of Object.entries(tries)) {
    let outcome = "reached";
    try { await within(attempt()); } catch { outcome = "blocked"; }
    emit(name, outcome);
  }
  emit(markup, markup);
  context.counter(markup, markup);
  context.status(markup);
  console.log(markup);
  throw new Error(markup);
}
`;
