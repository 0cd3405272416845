// A place where there is nothing, and what to do about it.

import { to } from "../route";
import { say } from "../words";
import { Icon, type Sign } from "./Icon";

interface Props {
  readonly sign: Sign;
  readonly title: string;
  readonly text?: string;
  readonly isHead?: boolean; // nothing else is there: the way home is
}

export function Empty({ sign, title, text = "", isHead = false }: Props) {
  return (
    <div className="empty">
      <Icon sign={sign} size={44} />
      {isHead ? <h1>{title}</h1> : <p className="empty-title">{title}</p>}
      {text && <p>{text}</p>}
      {isHead && <a href={to({})}>{say.toMyFiles}</a>}
    </div>
  );
}
