/**
 * The loading asset: what the person sees above the frame until the application is ready. It only styles, so it may be read
 * from a token that nobody here has verified; each member that is not of its form falls back to the default.
 */

import { attempt, isWithin, matches } from "./errors.js";
import { build } from "./frame.js";

export interface LoadingAsset {
  type?: "spinner" | "ellipsis" | "skeleton" | "pulse" | "none" | undefined;
  size?: number | undefined;
  stroke?: number | undefined;
  color?: string | undefined;
}

export type Asset = [type: string, size: number, stroke: number, color: string];

/** The asset that a token names wins over the direct one, as every signed value does. */
export function readLoadingAsset(token: unknown, direct: unknown): Asset {
  const { type, size, stroke, color } = Object(attempt(() => peekLoadingAsset(String(token))) ?? direct);
  return [
    matches(/^(ellipsis|skeleton|pulse|none)$/, type) ? type : "spinner",
    isWithin(1, size, 512) ? size : 40,
    isWithin(1, stroke, 512) ? stroke : 4,
    matches(/^#[\da-f]{3}([\da-f]{3}|[\da-f]{5})?$/i, color) ? color : "#242424",
  ];
}

/** Builds the asset as a layer over its positioned parent. It takes no clicks, so it never stands between person and page. */
export function buildLoadingAsset([type, size, stroke, color]: Asset): HTMLElement {
  const layer = build("div", {
    style: `position:absolute;inset:0;display:flex;flex-wrap:wrap;place-content:center;gap:${stroke}px;pointer-events:none`,
  });
  const bars = type === "skeleton";
  let parts = type === "none" ? 0 : bars || type === "ellipsis" ? 3 : 1;
  const height = parts > 1 ? size / 4 : size;
  const spinner = type === "spinner";
  while (parts--) {
    const part = build("div", {
      style:
        `box-sizing:border-box;height:${height}px;width:${bars ? "90%" : `${height}px`};` +
        `border:${stroke}px solid ${color};border-radius:${size}px;${spinner ? "border-top-color:#0000" : `background:${color}`}`,
    });
    layer.append(part);
    if (matchMedia("(prefers-reduced-motion:reduce)").matches) continue;
    part.animate(spinner ? { rotate: "1turn" } : { opacity: [1, 0.2, 1] }, {
      duration: 1000,
      iterations: Infinity,
    });
  }
  return layer;
}

function peekLoadingAsset(token: string): unknown {
  // atob leaves UTF-8 undecoded, which is harmless: JSON's structure is ASCII, and so is every value that we take.
  return JSON.parse(atob(token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/"))).initial_loading_asset;
}
