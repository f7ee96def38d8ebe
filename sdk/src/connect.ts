/**
 * The frame's side (protocol-embed.md section 3), for the application's page and for Accredit's own pages.
 *
 * `origin` and `channel` come from the application's backend, which read them from Accredit: whoever frames the page cannot
 * choose whom it speaks to. Nothing is said before the parent at exactly that origin has answered.
 */

import { windowMessage, windowMessageType, type DoorName, type FrameMessage } from "./messages.js";

export interface ConnectOptions {
  /** The origin of the embedding page, as the exchange told it. */
  origin: string | null;
  channel: string | null;
  /** The door, as the exchange told it. */
  door?: DoorName | undefined;
  /** A renewal brought a new code; the backend redeems it, then `ready` tells the new time. */
  on_renewed?: ((renewed: { code: string; expires_at: string }) => unknown) | undefined;
  on_renew_failed?: ((failed: { request_id: string | null }) => unknown) | undefined;
}

export interface Connection {
  ready(expires_at?: string | null): void;
  resize(height: number): void;
  event(name: string, detail?: unknown): void;
  renew_needed(): void;
  close(outcome?: string | null): void;
}

// What is said before the parent answers waits for it; a parent that never answers must not cost memory without end.
const WAITING_LIMIT = 64;

export function connect({ origin, channel, door = "embed", on_renewed, on_renew_failed }: ConnectOptions): Connection {
  const waiting: FrameMessage[] = [];
  let port: MessagePort | undefined;

  const say = (message: FrameMessage): void => {
    if (port) port.postMessage(message);
    else if (waiting.length < WAITING_LIMIT) waiting.push(message);
  };
  const hear = ({ data: { type, code, expires_at, request_id } }: MessageEvent): void => {
    if (type === "renewed") on_renewed?.({ code, expires_at });
    if (type === "renew_failed") on_renew_failed?.({ request_id });
  };

  // No parent, or none with an origin of its own: there is nobody to speak to.
  if (channel && parent !== window && /^http/.test(origin!)) {
    addEventListener("message", (event) => {
      if (event.source !== parent || event.origin !== origin || windowMessageType(event.data, channel) !== "welcome")
        return;
      port = event.ports[0]!;
      port.onmessage = hear;
      waiting.splice(0).forEach(say);
    });
    parent.postMessage(windowMessage(door, "hello", channel), origin!);
  }

  return {
    ready: (expires_at = null) => say({ type: "ready", expires_at }),
    resize: (height) => say({ type: "resize", height }),
    // A copy through JSON: what cannot be sent throws here, at its cause.
    event: (name, detail = null) => say({ type: "event", name, detail: JSON.parse(JSON.stringify(detail)) }),
    renew_needed: () => say({ type: "renew_needed" }),
    close: (outcome = null) => say({ type: "close", outcome }),
  };
}
