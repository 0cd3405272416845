// The picture of a file, or the sign of its kind.

import { useState } from "react";

import { type Item, isFile, kindOf } from "../items";
import { Icon } from "./Icon";

const kept = new Map<string, string>(); // a version's address is signed anew each time; the picture is the same

export function Thumb({ item, size }: { item: Item; size: number }) {
  const url = isFile(item) ? item.thumbnail.url : null;
  const version = isFile(item) ? item.currentVersion.id : "";
  return (
    <span className="thumb" data-kind={kindOf(item)} data-busy={isBusy(item) || undefined}>
      {url ? <Picture key={version} {...{ version, url }} /> : <Icon sign={kindOf(item)} size={size} />}
    </span>
  );
}

function Picture({ version, url }: { version: string; url: string }) {
  const [shown, setShown] = useState(() => kept.get(version) ?? url);
  if (!kept.has(version)) kept.set(version, url);
  return (
    <img
      src={shown}
      alt=""
      loading="lazy"
      decoding="async"
      onError={() => {
        kept.set(version, url);
        if (shown !== url) setShown(url);
      }}
    />
  );
}

function isBusy(item: Item): boolean {
  if (!isFile(item) || item.scan.status !== "CLEAN") return false;
  return item.thumbnail.status === "RENDERING" || item.thumbnail.status === "PENDING";
}
