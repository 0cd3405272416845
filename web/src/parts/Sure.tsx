// A question before what nobody can take back.

import { deed } from "../deeds";
import { say } from "../words";
import { Modal } from "./Modal";

interface Props {
  readonly action: string;
  readonly text: string;
  readonly run: () => Promise<unknown>;
  readonly onClose: () => void;
}

export function Sure({ action, text, run, onClose }: Props) {
  return (
    <Modal title={action} onClose={onClose}>
      <p>{text}</p>
      <div className="line end">
        <button type="button" className="button" onClick={onClose}>
          {say.cancel}
        </button>
        <button type="button" className="button danger" onClick={() => void deed(run).then(onClose)}>
          {action}
        </button>
      </div>
    </Modal>
  );
}
