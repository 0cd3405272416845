// What an item costs to keep, by the rules of the tiers and without them: drawn, and in figures beside it.

import { useId, useState } from "react";
import { useQuery } from "urql";

import { CostOf } from "../contents";
import { money, say, size } from "../words";

const SPANS = [12, 36, 60, 120] as const;
const PLAIN_MONTHS = 36;

interface Part {
  readonly name: string;
  readonly usd: number;
}

export function Costs({ id }: { id: string }) {
  const [months, setMonths] = useState<number>(PLAIN_MONTHS);
  const [{ data, error }] = useQuery({ query: CostOf, variables: { id, months }, requestPolicy: "cache-first" });
  const span = useId();
  const cost = data?.storageCost;
  if (error) return <p className="bad">{error.graphQLErrors[0]?.message ?? say.wentWrong}</p>;
  if (!cost) return <p className="soft">{say.loading}…</p>;
  const { month, monthInStandard, life, lifeInStandard } = cost;
  return (
    <div className="stack">
      <p className="soft">
        {say.costText(cost.fileCount, cost.versionCount, size(cost.storedBytes))} {!cost.isWhole && say.costPart}
      </p>
      <Bill
        name={say.costMonth}
        ours={month.costTiers.map(({ tier, usd }) => ({ name: say.tier[tier], usd }))}
        plain={monthInStandard.costTiers.map(({ tier, usd }) => ({ name: say.tier[tier], usd }))}
      />
      <Bill
        name={`${say.costLife} ${say.costMonths(months)}`}
        ours={life.costLines.map(({ line, usd }) => ({ name: say.costLines[line], usd }))}
        plain={lifeInStandard.costLines.map(({ line, usd }) => ({ name: say.costLines[line], usd }))}
      />
      <div className="line">
        <label htmlFor={span}>{say.costSpan}</label>
        <select id={span} className="short" value={months} onChange={({ target }) => setMonths(Number(target.value))}>
          {SPANS.map((one) => (
            <option key={one} value={one}>
              {say.costMonths(one)}
            </option>
          ))}
        </select>
      </div>
      <p className="soft">{say.costPrices(cost.region, cost.pricesAsOf)}</p>
    </div>
  );
}

function Bill({ name, ours, plain }: { name: string; ours: readonly Part[]; plain: readonly Part[] }) {
  const names = [...new Set([...ours, ...plain].map((part) => part.name))];
  const [less, more] = [sum(ours), sum(plain)];
  const most = Math.max(less, more) || 1;
  return (
    <table className="bill">
      <caption>{name}</caption>
      <thead>
        <tr>
          <th scope="col">{say.costOf}</th>
          <th scope="col">{say.costOurs}</th>
          <th scope="col">{say.costPlain}</th>
        </tr>
        <tr aria-hidden="true">
          <td />
          {[ours, plain].map((parts, at) => (
            <td key={at}>
              <Bar {...{ parts, names, most }} />
            </td>
          ))}
        </tr>
      </thead>
      <tbody>
        {names.map((one, at) => (
          <tr key={one}>
            <th scope="row" data-part={at}>
              {one}
            </th>
            <td>{money(usdOf(ours, one))}</td>
            <td>{money(usdOf(plain, one))}</td>
          </tr>
        ))}
        <tr>
          <th scope="row">{say.costTotal}</th>
          <td>{money(less)}</td>
          <td>{money(more)}</td>
        </tr>
      </tbody>
    </table>
  );
}

/** One bar, as long as its share of the longest; the parts in the order and the colours of the table. */
function Bar({ parts, names, most }: { parts: readonly Part[]; names: readonly string[]; most: number }) {
  let start = 0;
  return (
    <svg className="bar-plot" viewBox="0 0 100 8" preserveAspectRatio="none">
      {names.map((name, at) => {
        const width = (100 * usdOf(parts, name)) / most;
        const x = start;
        start += width;
        return <rect key={name} data-part={at} x={x} width={width} height="8" />;
      })}
    </svg>
  );
}

function usdOf(parts: readonly Part[], name: string): number {
  return parts.find((part) => part.name === name)?.usd ?? 0;
}

function sum(parts: readonly Part[]): number {
  return parts.reduce((total, { usd }) => total + usd, 0);
}
