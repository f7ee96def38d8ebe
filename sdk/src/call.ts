/** Reads a page's call of `init`: what every door's call has in common, and what the door itself says of its fields. */

import { attempt, matches, Refusal, type OnError } from "./errors.js";
import type { Fields } from "./frame.js";
import { readLoadingAsset, type Asset, type LoadingAsset } from "./loading.js";
import type { DoorName } from "./messages.js";

/** What the call of every door takes besides its own fields `F`. */
export interface CallOptions<F> {
  /** The element that the frame goes into, or a CSS selector of it. */
  location: string | HTMLElement;
  title?: string | undefined;
  allow?: string | undefined;
  /** "fill" takes the container's height, "auto" the height that the application asks for. */
  height?: "fill" | "auto" | undefined;
  initial_loading_asset?: LoadingAsset | undefined;
  on_ready?: ((ready: { expires_at: string | null }) => unknown) | undefined;
  on_event?: ((event: { name: string; detail: unknown }) => unknown) | undefined;
  on_error?: OnError;
  /** Returns fresh proof fields; without it a renewal sends the fields of the call again. */
  on_renew?: (() => Partial<F> | PromiseLike<Partial<F>>) | undefined;
}

/** Of the script; false or undefined where it cannot be known. */
export type Origin = string | false | undefined;

/** What makes a door: the name that is its path and stands in its messages, and how it reads its own fields. */
export interface Door<F> {
  _name: DoorName;
  /** The option that holds Accredit's address; by default that is the origin that the script came from. */
  _base: "base_url" | "baseUrl" | "marketplace_url";
  /** The fields to post; throws Refusal. */
  _form(fields: F): Fields;
}

export type Style = [title: string, allow: string, height: unknown];

/** A call that can be carried out; its JSON is equal for calls that ask for the same. Functions don't count: pages write them anew. */
export type Call = [server_origin: string, address: string, form: Fields, style: Style, asset: Asset];

// A frame that is filled by a form has no `src` whose origin a permissions policy could name, hence the stars.
export const ALLOW = "geolocation *; clipboard-read *; clipboard-write *; fullscreen *";

/** The element and the call. Throws Refusal for what is wrong with them, before anything is requested. */
export function readCall<F>(door: Door<F>, options: F & CallOptions<F>, script_origin?: Origin): [HTMLElement, Call] {
  const { title = "Embedded application", allow = ALLOW, height } = options;
  const told = options as Partial<Record<string, string>>;
  // A server below a path has no origin of its own, which is all that a marketplace_url can be: base_url tells of it at every door.
  const base_url = told[door._base] ?? told.base_url ?? script_origin;
  const element = findElement(options.location);
  const form = door._form(options);
  const [base, server_origin] = readBase(base_url, door._base);
  const asset = readLoadingAsset(form.signed_deployment, options.initial_loading_asset);
  return [element, [server_origin, `${base}/${door._name}`, form, [title, allow, height], asset]];
}

/** Accredit's address, to put a path behind, and its origin. Throws Refusal with the option that is to tell it. */
export function readBase(base_url: Origin, option: string): [base: string, origin: string] {
  const origin = attempt(() => new URL(base_url as string).origin);
  if (!matches(/^http/, origin)) throw new Refusal(base_url ? "field_invalid" : "field_missing", option);
  return [(base_url as string).replace(/\/+$/, ""), origin];
}

/** What may name a person: no controls, and no lone surrogate, which would be posted as U+FFFD and so be somebody else's. */
export const NAME = /^[^\p{Cc}\p{Cs}]{1,256}$/u;

/** The members of those names that are there, as texts; throws Refusal for a placeholder of the snippet. */
export function readTexts<F>(fields: F, names: readonly (keyof F & string)[]): Fields {
  const form: Fields = {};
  for (const name of names) {
    const text = fillIn(name, String(fields[name] ?? ""));
    if (text) form[name] = text;
  }
  return form;
}

/** The text that a page put in the place of a placeholder; throws Refusal where that is still there. */
export function fillIn(name: string, text: string): string {
  if (/^\{\{.*\}\}$/s.test(text)) throw new Refusal("placeholder_left", name);
  return text;
}

/** Throws Refusal unless each of `ids` is in the form. */
export function requireIds(form: Fields, ids: readonly string[]): void {
  const missing = ids.find((name) => !form[name]);
  if (missing) throw new Refusal("ids_missing", missing);
}

function findElement(location: unknown): HTMLElement {
  if (location === "#YOUR-TARGET-ELEMENT") throw new Refusal("location_placeholder");
  const found = typeof location === "string" ? attempt(() => document.querySelector(location)) : location;
  if ((found as HTMLElement)?.isConnected) return found as HTMLElement;
  throw new Refusal("location_not_found");
}
