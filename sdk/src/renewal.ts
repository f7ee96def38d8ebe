/**
 * Renewal (protocol-embed.md section 3): fresh proof for the live channel, sent by fetch, so that the frame gets a new code
 * without a reload. It is asked for by the frame, by the clock, or by the page.
 */

import { Refusal } from "./errors.js";
import type { Fields } from "./frame.js";
import type { PageMessage } from "./messages.js";

const AHEAD_MS = 60_000;
// However wrong the page's clock or short the session, the clock asks no more often than this.
const APART_MS = 30_000;
const PATIENCE_MS = 15_000;

/** A clock is set to renew 60 seconds before a time (null: not any more), and struck to renew now, unless it is under way. */
export type Clock = [set: (expires_at: string | null) => void, strike: () => void];

export function createClock(renew: () => Promise<void>): Clock {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let struck_ms = 0;
  let busy = false;
  const strike = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    struck_ms = Date.now();
    await renew();
    busy = false;
  };
  const set = (expires_at: string | null): void => {
    clearTimeout(timer);
    const due_ms = Math.max(Date.parse(expires_at!) - AHEAD_MS, struck_ms + APART_MS) - Date.now();
    // Not a number without a time that can be read.
    if (due_ms === due_ms) timer = setTimeout(strike, due_ms);
  };
  return [set, strike];
}

/**
 * A simple request without credentials: it needs no preflight, and the answer depends on the fields and the origin alone. Throws
 * Refusal.
 */
export async function postRenewal(address: string, form: Fields): Promise<PageMessage> {
  const [ok, answer] = await fetch(address, {
    method: "POST",
    body: new URLSearchParams(form),
    credentials: "omit",
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
    .then(async (response) => [response.ok, await response.json()])
    .catch(() => []);
  if (!ok) throw new Refusal("service_unavailable", "", answer);
  return { ...answer, type: "renewed" };
}
