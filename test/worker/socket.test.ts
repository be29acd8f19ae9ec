import { test } from "vitest";
import { answerClose } from "../../worker/platform/socket.ts";

test.each([1000, 1001, 1004, 1005, 1006, 1015, 4001, 0])("a close with code %d is answered", async (code) => {
  const { 0: client, 1: server } = new WebSocketPair();
  client.accept();
  server.accept();
  const closed = new Promise((resolve) => client.addEventListener("close", resolve));
  answerClose(server, code, "x".repeat(200));
  client.close();
  await closed;
});
