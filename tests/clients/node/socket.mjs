// Responses over a WebSocket, through the library.

import assert from "node:assert/strict";

import { ResponsesWS } from "openai/resources/responses/ws";

import { client } from "./exchange.mjs";

/** The response that a WebSocket ends with, whose events count on. */
export async function overSocket(url, params, headers) {
  const socket = new ResponsesWS(client("openai", url), { headers, reconnect: null });
  try {
    let number = 0;
    for await (const received of socket.stream()) {
      if (received.type === "open") socket.send({ type: "response.create", ...params });
      if (received.type !== "message") continue;
      const event = received.message;
      assert.equal(event.sequence_number, number++, JSON.stringify(event));
      if (event.type === "response.completed") return event.response;
    }
  } finally {
    socket.close();
  }
  throw new Error("the socket closed before the response was complete");
}
