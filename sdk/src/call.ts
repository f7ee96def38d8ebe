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

/** What makes a door: the name that is its path and stands in its messages, and how it reads its own fields. */
export interface Door<F> {
  _name: DoorName;
  /** The option that holds Accredit's address; by default that is the origin that the script came from. */
  _base: "base_url" | "marketplace_url";
  /** The fields to post; throws Refusal. */
  _form(fields: F): Fields;
}

export interface Style {
  _title: string;
  _allow: string;
  _height: unknown;
}

/** A call that can be carried out. */
export interface Call {
  _element: HTMLElement;
  _address: string;
  _server_origin: string;
  _form: Fields;
  _style: Style;
  _asset: Asset;
  /** Equal for calls that ask for the same. Functions don't count, as pages write them anew for each call. */
  _key: string;
}

// A frame that is filled by a form has no `src` whose origin a permissions policy could name, hence the stars.
const ALLOW = "geolocation *; clipboard-read *; clipboard-write *; fullscreen *";

/** Throws Refusal for what is wrong with the call, before anything is requested. */
export function readCall<F>(door: Door<F>, options: F & CallOptions<F>, script_origin?: string): Call {
  const { title = "Embedded application", allow = ALLOW, height } = options;
  const told = options as Partial<Record<string, string>>;
  // A server below a path has no origin of its own, which is all that a marketplace_url can be: base_url tells of it at every door.
  const base_url = told[door._base] ?? told.base_url ?? script_origin;
  const _element = findElement(options.location);
  const _form = door._form(options);
  const _server_origin = attempt(() => new URL(base_url!).origin);
  if (!matches(/^http/, _server_origin)) throw new Refusal(base_url ? "field_invalid" : "field_missing", door._base);
  const _address = `${base_url!.replace(/\/+$/, "")}/${door._name}`;
  const _style = { _title: title, _allow: allow, _height: height };
  const _asset = readLoadingAsset(_form.signed_deployment, options.initial_loading_asset);
  const _key = JSON.stringify([_address, _form, _style, _asset]);
  return { _element, _address, _server_origin, _form, _style, _asset, _key };
}

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
  if (found instanceof HTMLElement && found.isConnected) return found;
  throw new Refusal("location_not_found");
}
