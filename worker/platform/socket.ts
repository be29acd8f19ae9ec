/** Sends a message; one to a socket that is closing is dropped, and made up for when the peer says hello again. */
export const sendJson = (socket: WebSocket, message: unknown): void => {
  try {
    socket.send(JSON.stringify(message));
  } catch {
    // There is no telling beforehand: the peer may close at any moment.
  }
};

/** Answers a close, without which the peer waits for ten seconds. */
export const answerClose = (socket: WebSocket, code: number, reason: string): void => {
  // 1005 and 1006 say that no code was sent, and may not be sent themselves (RFC 6455, section 7.4.1).
  if (code === 1005 || code === 1006) socket.close();
  else socket.close(code, reason);
};
