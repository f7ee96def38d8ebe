/**
 * The codes that the SDK reports: what it finds in the page, and what the server may tell a page. They mean the same as in
 * Python's accredit.errors. No text and no report ever holds a value of the caller.
 */

/** For the reference, and for pages that show a text. The script itself reports codes only, so that it stays small. */
export const ERRORS = {
  location_not_found: "location names no element of this page.",
  location_placeholder: "location is still #YOUR-TARGET-ELEMENT.",
  ids_missing: "The call lacks an id that its door requires.",
  ids_mixed: "The ids of two doors are mixed in one call.",
  placeholder_left: "A value of the call is still a {{...}} placeholder.",
  uid_invalid: "uid must be 1 to 256 characters without controls, not beginning with anon_.",
  passport_value_type: "A passport value is not of the type that it must have.",
  already_mounted: "This element already holds a frame with other fields.",
  frame_unreachable: "The frame did not load within 15 seconds.",
  peer_origin_changed: "The frame's page changed its origin and is not answered.",
  customer_reference_invalid: "The customer reference must be 1 to 255 bytes of UTF-8, without controls or line separators.",
  renewal_mismatch: "There is no open session of this frame, user and origin to renew.",
  request_malformed: "The body is not of the form that this address reads.",
  field_missing: "A required field is missing.",
  field_invalid: "A field has a wrong type, form or length.",
  body_too_large: "The body is larger than this address reads.",
  media_type_unsupported: "The body's media type is not one that this address reads.",
  admission_refused: "This site was not admitted.",
  origin_missing: "The request names no origin, and the integration requires one.",
  origin_not_allowed: "The page's origin is not on the integration's list.",
  not_framed: "The request did not come from a frame.",
  integration_disabled: "The integration is switched off.",
  signature_malformed: "The signature is of no form that this door reads.",
  signature_required: "The integration requires a signature.",
  signature_version: "The integration takes signatures of version 2 only.",
  token_claims_invalid: "A claim is missing, has a wrong type or form, or does not fit the others.",
  token_not_yet_valid: "iat lies in the future.",
  token_expired: "The token has expired.",
  token_lifetime: "exp lies too far behind iat.",
  token_template_mismatch: "The token is not for this template.",
  token_origin_mismatch: "origins does not name the page's origin.",
  token_session_mismatch: "The token is for another session.",
  token_replayed: "This single-use token was used before.",
  customer_reference_mismatch: "The token names another customer reference than the page does.",
  unsigned_value_refused: "A value that must be signed came beside the token instead of in it.",
  unsigned_session_limit_reached: "The template has opened the 100 sessions that need no signed requests.",
  step_not_active: "This step is not the one that is due.",
  secret_exposed: "A secret arrived from a browser and was revoked.",
  rate_limited: "Too many requests; wait and try again.",
  internal_error: "Something went wrong here; nothing was done.",
  service_unavailable: "The server cannot do this just now; nothing was done.",
};

export type Code = keyof typeof ERRORS;

/** What `on_error` is told. `code` may be one that is younger than this SDK; `reason` comes in debug windows only. */
export interface Fault {
  code: string;
  request_id: string | null;
  reason: string | null;
}

export type OnError = ((fault: Fault) => unknown) | undefined;

/** A fault on its way to the page. `member` names, without its value, what is at fault; `told` is what a peer said of it. */
export class Refusal {
  readonly _fault: Fault;
  /** For developers: what the peer says of it, else the member. */
  readonly _text: string;

  constructor(
    code: Code,
    member = "",
    told?: unknown,
  ) {
    const { code: theirs, request_id, reason, message = member } = Object(told);
    this._fault = { code: identifier(theirs) ?? code, request_id: identifier(request_id), reason: identifier(reason) };
    this._text = message;
  }
}

/** Only short identifiers pass, as what a peer tells ends up in consoles and in pages' error reports. */
export function identifier(value: unknown): string | null {
  return matches(/^[\w.-]{1,128}$/, value) ? value : null;
}

/** A pattern alone would take what only reads like text: undefined, null, or a list of one. */
export function matches(pattern: RegExp, value: unknown): value is string {
  return typeof value === "string" && pattern.test(value);
}

export function isWithin(lowest: number, value: unknown, highest: number): boolean {
  return typeof value === "number" && value >= lowest && value <= highest;
}

/** Whatever was thrown, as a refusal. What the page's own objects and functions throw, the page hears of by a rejection. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  void Promise.reject(error);
  return new Refusal("internal_error");
}

export function report({ _fault, _text }: Refusal, on_error?: OnError): void {
  const { code, request_id, reason } = _fault;
  console.error("accredit:", code, _text, request_id ?? "", reason ?? "");
  tell(on_error, _fault);
}

/** Calls a function of the page. What it throws becomes an unhandled rejection, so the page hears of it and we go on. */
export function tell<T>(listener: ((value: T) => unknown) | undefined, value: T): void {
  void Promise.resolve(value).then(listener);
}

/** The value of `read`, or undefined where it throws because its input is not of the form. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
