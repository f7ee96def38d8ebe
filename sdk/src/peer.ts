/**
 * The page's side of the talk with one frame (protocol-embed.md section 3).
 *
 * A message is taken only from that frame's window, on its channel, and from the origin that may say it: a refusal, a debug
 * report and a question for our origin from the server alone, a `hello` from whichever origin the server sent the frame to,
 * which is then pinned; at door flow the frame is the server's own. What follows comes over a port that only that origin was given.
 */

import { Refusal } from "./errors.js";
import {
  windowMessage,
  windowMessageType,
  type DoorName,
  type FrameMessage,
  type PageMessage,
  type Unread,
  type WindowMessageType,
} from "./messages.js";

/** Says a message to a frame that has said hello, and ends the talk. */
export type Peer = [say: (message: PageMessage) => void, part: () => void];

/** Without `hello`, which hears of the frame's, the frame is one that the server's own page stays in. */
export function meet(
  frame: HTMLIFrameElement,
  door: DoorName,
  channel: string,
  server_origin: string,
  hello: (() => void) | undefined,
  hear: (message: Unread<FrameMessage>) => void,
  fail: (refusal: Refusal, ended?: "refused") => void,
): Peer {
  let pinned_origin = hello ? undefined : server_origin;
  let port: MessagePort | undefined;

  const say = (type: WindowMessageType, origin: string, ports?: MessagePort[]): void =>
    frame.contentWindow!.postMessage(windowMessage(door, type, channel), origin, ports);

  const greet = (origin: string): void => {
    const { port1, port2 } = new MessageChannel();
    pinned_origin = origin;
    port?.close();
    port = port1;
    port.onmessage = ({ data }) => hear(Object(data));
    say("welcome", origin, [port2]);
    hello?.();
  };

  const take = ({ source, origin, data }: MessageEvent): void => {
    if (!source || source !== frame.contentWindow) return;
    const type = windowMessageType(data, channel);
    // An opaque origin cannot be answered to: its name would stand for any of them.
    if (type === "hello" && origin !== "null") {
      if ((pinned_origin ?? origin) === origin) greet(origin);
      else fail(new Refusal("peer_origin_changed"));
    }
    if (origin !== server_origin) return;
    if (type === "refused") fail(new Refusal("admission_refused", "", data), "refused");
    if (type === "debug") {
      console.warn(`accredit: ${door} debug`, data.report);
      hear({ type: "event", name: "debug", detail: data.report });
    }
    // The answer holds nothing: what the server's page wants to know is the origin that the browser puts on it.
    if (type === "origin_wanted") say("origin", origin);
  };

  addEventListener("message", take);
  return [
    (message) => port?.postMessage(message),
    () => {
      removeEventListener("message", take);
      port?.close();
    },
  ];
}
