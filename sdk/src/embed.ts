/** Door "embed" (protocol-embed.md section 2): a deployer's page embeds an application, plainly or with a signed deployment. */

import { NAME, readTexts, requireIds, type CallOptions, type Door } from "./call.js";
import { matches, Refusal } from "./errors.js";

export interface EmbedFields {
  deployer_id?: string | undefined;
  integration_id?: string | undefined;
  owner_id?: string | undefined;
  view_id?: string | undefined;
  uid?: string | undefined;
  data_passport?: Record<string, string | number | boolean | undefined> | undefined;
  encrypted_passport?: string | undefined;
  signed_deployment?: string | undefined;
}

export interface EmbedOptions extends EmbedFields, CallOptions<EmbedFields> {
  /** Accredit's address; by default the origin that the script came from. */
  base_url?: string | undefined;
}

const IDS = ["deployer_id", "integration_id", "owner_id"] as const;
/** Any of these says that a call is for this door. */
export const EMBED_NAMES = ["signed_deployment", ...IDS] as const;
const TEXTS = [...EMBED_NAMES, "view_id", "uid", "encrypted_passport"] as const;

export const embed: Door<EmbedFields> = {
  _name: "embed",
  _base: "base_url",
  _form(fields) {
    const form = readTexts(fields, TEXTS);
    // A token's own ids are the server's to judge; nothing that is read from it here would prove anything.
    if (!form.signed_deployment) requireIds(form, IDS);
    const { uid, data_passport } = fields;
    // An empty uid would merge all users, and a number may have lost digits, which would merge some.
    if (uid != null && (!matches(NAME, uid) || /^anon_/.test(uid))) throw new Refusal("uid_invalid");
    if (data_passport != null) form.data_passport = readPassport(data_passport);
    return form;
  },
};

function readPassport(passport: object): string {
  const text = JSON.stringify(passport);
  // JSON leaves out what is undefined, so that counts as absence.
  const bad = Object.keys(passport).find((key) => {
    const value: unknown = passport[key as never];
    return Object(value) === value || JSON.stringify(value) === "null";
  });
  if (bad != null || !/^\{/.test(text)) throw new Refusal("passport_value_type", bad);
  return text;
}
