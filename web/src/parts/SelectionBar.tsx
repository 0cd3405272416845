// What can be done with everything that is chosen.

import { deed, download, downloadZip } from "../deeds";
import { isFile } from "../items";
import type { Listing } from "../listing";
import type { Selection } from "../selection";
import { say } from "../words";
import { Icon } from "./Icon";

export function SelectionBar({ selection }: { selection: Selection; listing: Listing }) {
  const { items } = selection;
  const [first] = items;
  const canDownload = items.every(({ capabilities }) => capabilities.canDownload);
  const isOneFile = items.length === 1 && first && isFile(first);
  return (
    <div className="tools selected" role="toolbar" aria-label={say.selected(items.length)}>
      <button type="button" className="button round" aria-label={say.clearSelection} onClick={selection.clear}>
        <Icon sign="close" />
      </button>
      <span role="status">{say.selected(items.length)}</span>
      <button
        type="button"
        className="button quiet"
        disabled={!canDownload}
        onClick={() => void deed(() => (isOneFile ? download(first.id) : downloadZip(items.map(({ id }) => id))))}
      >
        <Icon sign="down" />
        {isOneFile ? say.download : say.downloadZip}
      </button>
    </div>
  );
}
