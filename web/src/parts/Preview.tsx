// A look at a file without taking it away: a picture of it, its words, or its film. Nothing in it is run.

import { useEffect, useState } from "react";

import { type FileItem, isReadable, kindOf } from "../items";
import { DownloadCreate } from "../operations";
import { make } from "../vault";
import { say } from "../words";
import { Icon } from "./Icon";

const TEXT_BYTES = 64 * 1024;

export function Preview({ file, large }: { file: FileItem; large: string | null }) {
  const kind = kindOf(file);
  const isOpen = isReadable(file) && file.capabilities.canDownload;
  const [picture] = useState(large); // signed anew each time it is asked for, yet the same
  if (isOpen && file.contentType.startsWith("text/")) return <Words id={file.id} />;
  if (isOpen && (kind === "video" || kind === "audio")) return <Film id={file.id} />;
  const shown = picture ?? large;
  return (
    <div className="preview">{shown ? <img src={shown} alt={say.previewOf(file.name)} /> : <Icon sign={kind} size={64} />}</div>
  );
}

function useAddress(id: string): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    make(DownloadCreate, { input: { fileId: id } }).then(
      (made) => setUrl(made.url ?? null),
      () => {}, // the tab shows no more than the sign of its kind then
    );
  }, [id]);
  return url;
}

function Film({ id }: { id: string }) {
  const url = useAddress(id);
  return <div className="preview">{url && <video src={url} controls preload="metadata" />}</div>;
}

function Words({ id }: { id: string }) {
  const url = useAddress(id);
  const [text, setText] = useState("");
  useEffect(() => {
    if (!url) return;
    fetch(url, { headers: { Range: `bytes=0-${TEXT_BYTES - 1}` } })
      .then((answer) => (answer.ok ? answer.text() : ""))
      .then(setText, () => {});
  }, [url]);
  return (
    <pre className="preview words" tabIndex={0}>
      {text}
    </pre>
  );
}
