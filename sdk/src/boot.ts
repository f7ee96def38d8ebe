/** Door "boot" (protocol-boot.md section 3): a customer's page boots an application for its user, signed or not. */

import { fillIn, readTexts, requireIds, type CallOptions, type Door } from "./call.js";
import { EMBED_NAMES } from "./embed.js";
import { matches, Refusal } from "./errors.js";
import type { Fields } from "./frame.js";

type TextName =
  | "email"
  | "title"
  | "first_name"
  | "surname"
  | "preferred_name"
  | "gender"
  | "passport_number"
  | "national_insurance_number"
  | "phone_number"
  | "mobile_number"
  | "building_number"
  | "address_1"
  | "address_2"
  | "address_3"
  | "town_city"
  | "county"
  | "postcode"
  | "country"
  | "country_of_residence"
  | "nationality"
  | "relationship_status"
  | "relationship_to_partner"
  | "partner_first_name"
  | "partner_surname"
  | "partner_sex"
  | "smoker"
  | "drinker"
  | "broadbandProvider"
  | "broadbandPpm"
  | "broadbandDownSpeed";

type CountName =
  "number_of_children" | "number_of_cigarettes_per_week" | "number_of_units_per_week" | "ages_of_children";

type Optional<Name extends string, Value> = { [N in Name]?: Value | null | undefined };

/** What the page tells of its user. It is posted as JSON would hold it, so a Date becomes its ISO text. */
export type CustomerInfo = Optional<TextName, string> &
  Optional<CountName, number | string> &
  Optional<"dob" | "partner_dob", string | Date> &
  Optional<"broadband", Optional<"provider" | "down_speed" | "ppm", string>> &
  Optional<"meta", object | string>;

export interface BootFields {
  customerInfo: CustomerInfo;
  cp_id: string;
  cp_deployment_id: string;
  /** Made by the deployer's backend. It opens one session, so each page view and each renewal needs a fresh one. */
  signature?: string | null | undefined;
  page?: string | null | undefined;
  locale?: string | null | undefined;
}

export interface BootOptions extends BootFields, CallOptions<BootFields> {
  /** Accredit's origin, by whichever of its host names; by default the one that the script came from. */
  marketplace_url?: string | null | undefined;
  /** Accredit's address where that is below a path, in place of marketplace_url. */
  base_url?: string | undefined;
}

const IDS = ["cp_id", "cp_deployment_id"] as const;
const ORIGIN = /^(https:\/\/[^/?#@\\]+|http:\/\/(localhost|127\.0\.0\.1)(:\d+)?)\/?$/i;

export const boot: Door<BootFields> = {
  _name: "boot",
  _base: "marketplace_url",
  _form(options: BootOptions) {
    const form = readTexts(options, [...IDS, "signature", "page", "locale"]);
    if (EMBED_NAMES.some((name) => options[name as never])) throw new Refusal("ids_mixed");
    requireIds(form, IDS);
    const { marketplace_url, customerInfo } = options;
    if (marketplace_url != null && !matches(ORIGIN, marketplace_url)) {
      throw new Refusal("field_invalid", "marketplace_url");
    }
    return { ...readCustomer(customerInfo), ...form };
  },
};

/** The customer fields, flat. JSON decides what a value is, so that one reading holds for the form and for the call's key. */
function readCustomer(info: unknown): Fields {
  const text = JSON.stringify(info);
  if (!matches(/^\{/, text)) throw new Refusal(info ? "field_invalid" : "field_missing", "customerInfo");
  const form: Fields = {};
  const put = (members: object, within?: string): void => {
    for (const [member, value] of Object.entries(members)) {
      const name = within ? `${within}[${member}]` : member;
      // An e-mail left so would be one user for all who come.
      if (typeof value === "string") form[name] = fillIn(name, value);
      else if (typeof value === "object" && name !== "meta") put(value ?? {}, name);
      else if (value !== null) form[name] = JSON.stringify(value);
    }
  };
  put(JSON.parse(text));
  return form;
}
