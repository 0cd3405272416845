// How the cache tells one thing from another: what has an id is kept once, everything else inside what shows it.

import type { CacheExchangeOpts } from "@urql/exchange-graphcache";

const EMBEDDED = [
  ...["Capabilities", "StorageUsage", "Scan", "Thumbnail", "StorageState", "PageInfo", "FileStatus", "FolderChange"],
  ...["ItemConnection", "ItemEdge", "FileConnection", "FileEdge", "ShareConnection", "ShareEdge"],
  ...["ShareLinkConnection", "ShareLinkEdge", "FileVersionConnection", "FileVersionEdge"],
  ...["CommentConnection", "CommentEdge", "AccessTokenConnection", "AccessTokenEdge"],
  ...["AuditEventConnection", "AuditEventEdge", "AuditCheckpoint"],
  ...["Release", "Exposure", "Reader", "ExposureReport", "ExposureSpan", "ExposureReading", "StorageCost", "Bill", "CostOfTier", "CostOfLine"],
];

export const cacheOptions: CacheExchangeOpts = {
  keys: Object.fromEntries(EMBEDDED.map((name) => [name, () => null])),
};
