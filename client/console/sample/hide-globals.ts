/**
 * What lets code call servers, speak to pages, start workers or keep data in the browser. Modules rarely need it, and Node.js has
 * little of it.
 */
const hidden = [
  "BroadcastChannel",
  "EventSource",
  "FontFace",
  "FileSystemObserver",
  "Notification",
  "SharedWorker",
  "WebSocket",
  "WebSocketStream",
  "WebTransport",
  "Worker",
  "XMLHttpRequest",
  "caches",
  "close",
  "cookieStore",
  "fetch",
  "fonts",
  "importScripts",
  "indexedDB",
  "navigator",
  "postMessage",
  "webkitRequestFileSystem",
  "webkitRequestFileSystemSync",
  "webkitResolveLocalFileSystemSyncURL",
  "webkitResolveLocalFileSystemURL",
];

/**
 * Removes them from this worker. A second wall: the first is the worker's Content-Security-Policy, which stops requests however
 * they are made, but neither messages to other pages nor storage.
 */
export const hideGlobals = (): void => {
  for (const name of hidden) {
    for (let owner: object | null = globalThis; owner !== null; owner = Reflect.getPrototypeOf(owner)) {
      Reflect.deleteProperty(owner, name);
    }
  }
};
