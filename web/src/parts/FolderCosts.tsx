// What each folder in a folder costs to keep for a month: the dearest first, drawn beside each other.

import { useEffect, useState } from "react";

import { deed } from "../deeds";
import { MonthOf } from "../contents";
import { FolderPage } from "../operations";
import { go, useRoute } from "../route";
import { ask } from "../vault";
import { money, say } from "../words";

const SHOWN_MAX = 20;

interface Costly {
  readonly id: string;
  readonly name: string;
  readonly usd: number;
  readonly isWhole: boolean;
}

export function FolderCosts({ id }: { id: string }) {
  const [folders, setFolders] = useState<readonly Costly[]>([]);
  const route = useRoute();
  useEffect(() => {
    let isOver = false;
    setFolders([]);
    void deed(() => each(id, (found) => !isOver && setFolders((known) => sorted([...known, found])), () => isOver));
    return () => void (isOver = true);
  }, [id]);
  const most = folders[0]?.usd || 1;
  if (folders.length === 0) return null;
  return (
    <table className="bill">
      <caption>{say.costFolders}</caption>
      <tbody>
        {folders.map(({ id: open, name, usd, isWhole }) => (
          <tr key={open}>
            <th scope="row">
              <button type="button" className="link" onClick={() => go({ ...route, open })}>
                {name}
              </button>
            </th>
            <td className="wide" aria-hidden="true">
              <svg className="bar-plot" viewBox="0 0 100 8" preserveAspectRatio="none">
                <rect data-part="0" width={(100 * usd) / most} height="8" />
              </svg>
            </td>
            <td>{isWhole ? money(usd) : say.costAtLeast(money(usd))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Asks for one folder after another: each is work for the vault, and the first are shown meanwhile. */
async function each(id: string, show: (found: Costly) => void, isOver: () => boolean): Promise<void> {
  const { folder } = await ask(FolderPage, { id, where: { kind: "FOLDER" } });
  for (const { node } of folder?.children.edges.slice(0, SHOWN_MAX) ?? []) {
    if (isOver()) return;
    const { storageCost } = await ask(MonthOf, { id: node.id });
    show({ id: node.id, name: node.name, usd: storageCost.month.totalUsd, isWhole: storageCost.isWhole });
  }
}

function sorted(folders: readonly Costly[]): readonly Costly[] {
  return folders.toSorted((one, other) => other.usd - one.usd);
}
