/** Sends a message; one to a socket that is closing is dropped, and made up for when the peer says hello again. */
export const sendJson = (socket: WebSocket, message: unknown): void => {
  try {
    socket.send(JSON.stringify(message));
  } catch {
    // There is no telling beforehand: the peer may close at any moment.
  }
};

/** Answers a close, without which the peer waits for ten seconds. Never throws. */
export const answerClose = (socket: WebSocket, code: number, reason: string): void => {
  try {
    socket.close(code, reason);
  } catch {
    // Codes that may be received may not all be sent: 1005 and 1006 say that none was (RFC 6455, section 7.4.1).
    socket.close();
  }
};
