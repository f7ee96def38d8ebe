/**
 * What page and frame say to each other (protocol-embed.md section 3).
 *
 * Window messages are `{accredit: 1, door, type, channel}` and only bring the two together. From then on they speak through a
 * MessagePort, which no third window can write to.
 *
 * At door "flow" (protocol-flow.md section 4) the frame says `ready` once it can be shown, then for each object of the page an
 * `event` whose name is the object's topic and whose detail is the object: `event("session", {topic: "session", action: "passed"})`.
 * `close` takes the modal away; Escape, pressed inside the frame, is heard there alone and said so.
 */

export type DoorName = "embed" | "boot" | "flow";

/** From window to window; a frame also says `refused` (at door flow with a `message`), `origin_wanted` and `debug` with more members. */
export type WindowMessageType = "hello" | "welcome" | "origin";

interface WindowMessage {
  accredit: 1;
  door: DoorName;
  type: string;
  channel: string;
}

/** From the frame to the page, over the port. */
export type FrameMessage =
  | { type: "ready"; expires_at: string | null }
  | { type: "resize"; height: number }
  | { type: "event"; name: string; detail: unknown }
  | { type: "renew_needed" }
  | { type: "close"; outcome: string | null };

/** From the page to the frame, over the port. */
export type PageMessage =
  { type: "renewed"; code: string; expires_at: string } | { type: "renew_failed"; request_id: string | null };

/** What came over a port or from another window: of that shape only if its sender keeps to the protocol. */
export type Unread<Message> = { [K in Message extends unknown ? keyof Message : never]?: unknown };

/** 16 random bytes as 22 base64url characters: who does not know them cannot address this frame. */
export function createChannel(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .slice(0, 22);
}

export function windowMessage(door: DoorName, type: WindowMessageType, channel: string): WindowMessage {
  return { accredit: 1, door, type, channel };
}

/** The type of a window message on `channel`. The channel is one frame's own, so it stands for the door too. */
export function windowMessageType(data: Unread<WindowMessage> | null, channel: string): unknown {
  return data?.accredit === 1 && data.channel === channel && data.type;
}
