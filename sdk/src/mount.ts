/**
 * A mount: the one frame in an element of the page, and what goes on between frame and page, from the posting of the form to
 * the end. Doors differ in their fields and their name only; all that is here serves each of them.
 */

import { readCall, type Call, type CallOptions, type Door } from "./call.js";
import { attempt, identifier, isWithin, matches, Refusal, refusalOf, report, tell, type OnError } from "./errors.js";
import { awaitLife, build, buildFrame, postInto } from "./frame.js";
import { buildLoadingAsset } from "./loading.js";
import { createChannel, type FrameMessage, type Unread } from "./messages.js";
import { meet, type Peer } from "./peer.js";
import { createClock, postRenewal, type Clock } from "./renewal.js";

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

/** Element to its mount. The mounts' field types are not kept: equal keys mean the same door, and so the same fields. */
const mounts = new WeakMap<Element, unknown>();

/** Carries out a page's call. Never throws: what is wrong with the call goes to the console and to its on_error. */
export function open<F extends object>(
  choose: (options: F) => Door<F>,
  given: F & CallOptions<F>,
  script_origin?: string,
): Handle<F> {
  let on_error: OnError;
  try {
    // One reading of the call: what the page does to its object later changes nothing.
    const options = { ...given };
    on_error = options.on_error;
    const door = choose(options);
    const call = readCall(door, options, script_origin);
    const mounted = mounts.get(call._element) as Mount<F> | undefined;
    return mounted?._again(call, options) ?? new Mount(door, call, options);
  } catch (error) {
    report(refusalOf(error), on_error);
    return { status: "refused", renew() {}, destroy() {} };
  }
}

/** Members with an underscore are ours; the build gives them short names. The others are the page's handle. */
class Mount<F extends object> implements Handle<F> {
  status: Status = "loading";
  readonly renew = (fresh: Partial<F>): void => void this._renew(() => fresh);
  // A framework that unmounts and mounts again does both in one task, and so keeps its frame and its token.
  readonly destroy = (): void => {
    this._leaving ??= setTimeout(() => this._end());
  };

  private _leaving: ReturnType<typeof setTimeout> | undefined;
  private readonly _envelope = { channel: createChannel(), sdk: `accredit.js/${VERSION}` };
  private readonly _box: HTMLElement;
  private readonly _frame: HTMLIFrameElement;
  private readonly _cover: HTMLElement;
  private readonly _endWait: () => void;
  private readonly _peer: Peer;
  private readonly _clock: Clock = createClock(() => this._renew(this._options.on_renew ?? (() => ({}))));

  constructor(
    private readonly _door: Door<F>,
    private readonly _call: Call,
    private _options: F & CallOptions<F>,
  ) {
    const { _element, _address, _server_origin, _form, _style, _asset } = _call;
    const { channel } = this._envelope;
    this._frame = buildFrame(`accredit_${channel}`, _style);
    this._cover = buildLoadingAsset(_asset);
    this._box = build("div", `position:relative;width:100%;height:${_style._height === "auto" ? "auto" : "100%"}`);
    this._box.append(this._frame, this._cover);
    _element.append(this._box);
    mounts.set(_element, this);
    this._endWait = awaitLife(
      this._frame,
      () => this._fail(new Refusal("frame_unreachable"), "unreachable"),
      () => this._cover.remove(),
    );
    this._peer = meet(
      this._frame,
      _door._name,
      channel,
      _server_origin,
      this._endWait,
      (message) => this._hear(message),
      (refusal, reached) => this._fail(refusal, reached),
    );
    postInto(this._frame.name, _address, { ..._form, ...this._envelope });
  }

  /** Answers a second call on the element: with the live handle, or undefined once it has made way. Throws Refusal. */
  _again(call: Call, options: F & CallOptions<F>): Handle<F> | undefined {
    const present = this._frame.isConnected;
    const same = call._key === this._call._key;
    if (present && !this._leaving && !same) throw new Refusal("already_mounted");
    if (!present || !same || (this._leaving && !/^(loading|ready)$/.test(this.status))) {
      this._end();
      return undefined;
    }
    clearTimeout(this._leaving);
    this._leaving = undefined;
    this._options = options; // The later call's functions are the ones that the page still knows of.
    return this;
  }

  private async _renew(ask: Ask<F>): Promise<void> {
    try {
      const fresh = await ask();
      if (!fresh) throw new Refusal("field_missing", "on_renew");
      if (!this._peer._met()) throw new Refusal("renewal_mismatch");
      const form = this._door._form({ ...this._options, ...fresh });
      this._peer._say(await postRenewal(`${this._call._address}/renew`, { ...form, ...this._envelope }));
    } catch (error) {
      const refusal = refusalOf(error);
      if (this.status === "destroyed") return;
      this._peer._say({ type: "renew_failed", request_id: refusal._fault.request_id });
      this._fail(refusal);
    }
  }

  private _hear(message: Unread<FrameMessage>): void {
    const { type, expires_at, height } = message;
    const { on_ready, on_event } = this._options;
    if (type === "ready") {
      this._settle("ready");
      const time = matches(/^\d{4}-/, expires_at) ? expires_at : null;
      this._clock._set(time);
      tell(on_ready, { expires_at: time });
    }
    // The limit keeps a frame from stretching its page without end.
    if (type === "resize" && this._call._style._height === "auto" && isWithin(0, height, 20000)) {
      this._frame.style.height = `${height}px`;
    }
    if (type === "event") tellEvent(message, on_event);
    if (type === "renew_needed") this._clock._strike();
    if (type === "close") {
      this._settle("closed");
      tell(on_event, { name: "close", detail: { outcome: identifier(message.outcome) } });
    }
  }

  private _fail(refusal: Refusal, reached?: Status): void {
    if (reached) this._settle(reached);
    report(refusal, this._options.on_error);
  }

  private _settle(reached: Status): void {
    this.status = reached;
    this._endWait();
    this._clock._set(null);
    this._cover.remove();
  }

  private _end(): void {
    clearTimeout(this._leaving);
    this._settle("destroyed");
    this._peer._part();
    this._box.remove();
    mounts.delete(this._call._element);
  }
}

function tellEvent({ name, detail }: Unread<FrameMessage>, on_event: CallOptions<never>["on_event"]): void {
  const text = attempt(() => JSON.stringify(detail ?? null));
  if (!matches(/^[a-z][a-z0-9_.]{0,63}$/, name) || !text || new Blob([text]).size > 16384) return;
  tell(on_event, { name, detail: JSON.parse(text) });
}
