// What is said of costs, in English.

export const costs = {
  whatItCosts: "What it costs",
  costText: (files: number, versions: number, bytes: string) =>
    `A model's answer for ${files} files in ${versions} versions (${bytes}), by the prices of AWS.`,
  costPart: "There is more than this counts.",
  costPrices: (region: string, at: string) => `Prices of ${region}, ${at}`,
  costMonth: "A month, as it is kept now",
  costLife: "The same brought anew, over",
  costMonths: (months: number) => `${months} months`,
  costSpan: "How long",
  costOurs: "By the rules",
  costPlain: "All in Standard",
  costOf: "What for",
  costTotal: "Together",
  costFolders: "A month, folder by folder",
  costAtLeast: (usd: string) => `${usd} or more`,
  costLines: {
    STORAGE: "Storage",
    OVERHEAD: "Overhead of each object",
    MINIMUM_DURATION: "Deleted early",
    TRANSITIONS: "Moves to colder tiers",
    REQUESTS: "Writing and reading",
    RETRIEVAL: "Fetching from colder tiers",
    KEYS: "Keys",
    TABLE: "Records",
  },
};
