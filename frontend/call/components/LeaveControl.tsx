import { useState } from "react";
import { useCall, useSession } from "../callcontext.ts";
import { mayModerate } from "../contract.ts";
import { useActs } from "../hooks/useActs.ts";
import { ConfirmDialog } from "./ConfirmDialog.tsx";
import { Icon } from "./Icon.tsx";
import { Menu, MenuItem } from "./Menu.tsx";

/** Leave, in red at the end; host and moderators find "end for everyone" on the arrow beside it, and are asked before. */
export function LeaveControl() {
  const { strings, session } = useCall();
  const { tell } = useActs();
  const role = useSession().roomState?.me.role ?? "participant";
  const [isAsking, setIsAsking] = useState(false);
  return (
    <div className="bar__pair bar__pair--leave">
      <button
        type="button"
        className="control control--leave"
        data-testid="leave-button"
        onClick={() => void session.leave()}
      >
        <Icon name="leave" />
        <span className="control__label">{strings.leave}</span>
      </button>
      {mayModerate(role) && (
        <Menu
          label={strings.leaveMore}
          testId="leave-menu"
          buttonClass="control control--leave control--arrow"
          button={<Icon name="up" />}
        >
          {(close) => (
            <MenuItem
              isDanger
              testId="end-for-all"
              onChoose={() => {
                close();
                setIsAsking(true);
              }}
            >
              {strings.endForAll}
            </MenuItem>
          )}
        </Menu>
      )}
      {isAsking && (
        <ConfirmDialog
          title={strings.confirmEndTitle}
          text={strings.confirmEndText}
          act={strings.endForAll}
          onConfirm={() => tell(session.endForAll())}
          onClose={() => setIsAsking(false)}
        />
      )}
    </div>
  );
}
