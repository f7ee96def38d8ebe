/**
 * A mount: the one frame in an element of the page, and what goes on between frame and page, from the posting of the form to
 * the end. Doors differ in their fields and their name only; all that is here serves each of them.
 */

import { readCall, type Call, type CallOptions, type Door, type Origin } from "./call.js";
import { attempt, identifier, isWithin, matches, Refusal, refusalOf, report, tell, type OnError } from "./errors.js";
import { awaitLife, build, buildFrame, postInto } from "./frame.js";
import { buildLoadingAsset } from "./loading.js";
import { createChannel, type FrameMessage, type Unread } from "./messages.js";
import { meet } from "./peer.js";
import { createClock, postRenewal } from "./renewal.js";

declare const VERSION: string;

export type Status = "loading" | "ready" | "refused" | "unreachable" | "closed" | "destroyed";

export interface Handle<F> {
  readonly status: Status;
  /** Renews the session, with these fields in place of those of the call. */
  readonly renew: (fields: Partial<F>) => void;
  /** Takes the frame away on the next task, unless the same call is made again before. */
  readonly destroy: () => void;
}

type Ask<F> = () => Partial<F> | PromiseLike<Partial<F>>;

/** What a mount answers to a second call on its element: the live handle, or undefined once it has made way. Throws Refusal. */
type Again<F> = (call: Call, options: F & CallOptions<F>) => Handle<F> | undefined;

/** By element. The field types are not kept: equal calls mean the same door, and so the same fields. */
const mounts = new WeakMap<Element, unknown>();

/** Carries out a page's call. Never throws: what is wrong, now or later, goes to `fail`, by default the console and on_error. */
export function open<F extends object>(
  choose: (options: F) => Door<F>,
  given: F & CallOptions<F>,
  script_origin?: Origin,
  fail: typeof report = report,
): Handle<F> {
  let on_error: OnError;
  try {
    // One reading of the call: what the page does to its object later changes nothing.
    const options = { ...given };
    on_error = options.on_error;
    const door = choose(options);
    const [element, call] = readCall(door, options, script_origin);
    const again = mounts.get(element) as Again<F> | undefined;
    return again?.(call, options) ?? mount(door, element, call, options, fail);
  } catch (error) {
    fail(refusalOf(error), on_error);
    return { status: "refused", renew() {}, destroy() {} };
  }
}

/** Mounts a frame. One closure, as members of an object would make the script a tenth larger. */
function mount<F extends object>(
  door: Door<F>,
  element: HTMLElement,
  call: Call,
  options: F & CallOptions<F>,
  tellFault: typeof report,
): Handle<F> {
  const [server_origin, address, fields, style, asset] = call;
  const channel = createChannel();
  const envelope = { channel, sdk: `accredit.js/${VERSION}` };
  const frame = buildFrame(`accredit_${channel}`, style);
  const cover = buildLoadingAsset(asset);
  const fills = style[2] !== "auto";
  const box = build("div", { style: `position:relative;width:100%;height:${fills ? "100%" : "auto"}` });
  // At door flow the server's own page stays in the frame, and is invisible until it is ready: nothing less is a sign of life.
  const own = door._name === "flow";
  let leaving: ReturnType<typeof setTimeout> | undefined;

  const settle = (reached: Status): void => {
    handle.status = reached;
    endWait();
    setClock(null);
    cover.remove();
  };
  const fail = (refusal: Refusal, reached?: Status): void => {
    if (reached) settle(reached);
    tellFault(refusal, options.on_error);
  };
  const end = (): void => {
    clearTimeout(leaving);
    settle("destroyed");
    part();
    box.remove();
    mounts.delete(element);
  };
  const renew = async (ask: Ask<F>): Promise<void> => {
    try {
      const fresh = await ask();
      if (!fresh) throw new Refusal("field_missing", "on_renew");
      const form = door._form({ ...options, ...fresh });
      say(await postRenewal(`${address}/renew`, { ...form, ...envelope }));
    } catch (error) {
      const refusal = refusalOf(error);
      if (handle.status === "destroyed") return;
      say({ type: "renew_failed", request_id: refusal._fault.request_id });
      fail(refusal);
    }
  };
  const hear = (message: Unread<FrameMessage>): void => {
    const { type, expires_at, height } = message;
    if (type === "ready") {
      settle("ready");
      const time = matches(/^\d{4}-/, expires_at) ? expires_at : null;
      setClock(time);
      tell(options.on_ready, { expires_at: time });
    }
    // The limit keeps a frame from stretching its page without end.
    if (type === "resize" && !fills && isWithin(0, height, 20000)) frame.style.height = `${height}px`;
    if (type === "event") tellEvent(message, options.on_event);
    if (type === "renew_needed") strike();
    if (type === "close") {
      settle("closed");
      tell(options.on_event, { name: "close", detail: { outcome: identifier(message.outcome) } });
    }
  };
  const again: Again<F> = (wanted, later) => {
    const present = frame.isConnected;
    const same = JSON.stringify(wanted) === JSON.stringify(call);
    if (present && !leaving && !same) throw new Refusal("already_mounted");
    // While it is loading or ready, as opposed to any later status.
    if (!present || !same || (leaving && !/ad/.test(handle.status))) {
      end();
      return undefined;
    }
    clearTimeout(leaving);
    leaving = undefined;
    options = later; // The later call's functions are the ones that the page still knows of.
    return handle;
  };

  const handle = {
    status: "loading" as Status,
    renew: (fresh: Partial<F>): void => void renew(() => fresh),
    // A framework that unmounts and mounts again does both in one task, and so keeps its frame and its token.
    destroy(): void {
      leaving ??= setTimeout(end);
    },
  };
  const [setClock, strike] = createClock(() => renew(options.on_renew ?? (() => ({}))));
  box.append(frame, cover);
  element.append(box);
  mounts.set(element, again);
  const endWait = awaitLife(
    frame,
    () => fail(new Refusal("frame_unreachable"), "unreachable"),
    own ? undefined : () => cover.remove(),
  );
  const [say, part] = meet(frame, door._name, channel, server_origin, own ? undefined : endWait, hear, fail);
  postInto(frame.name, address, { ...fields, ...envelope });
  return handle;
}

function tellEvent({ name, detail }: Unread<FrameMessage>, on_event: CallOptions<never>["on_event"]): void {
  const text = attempt(() => JSON.stringify(detail ?? null));
  if (!matches(/^[a-z][\da-z_.]{0,63}$/, name) || !text || new Blob([text]).size > 16384) return;
  tell(on_event, { name, detail: JSON.parse(text) });
}
