import { useState } from "react";
import { useCall } from "../callcontext.ts";
import type { Role, Source } from "../contract.ts";
import { useActs } from "../hooks/useActs.ts";
import { ConfirmDialog } from "./ConfirmDialog.tsx";
import { Icon } from "./Icon.tsx";
import { Menu, MenuItem } from "./Menu.tsx";

type PersonActionsProps = {
  identity: string;
  name: string;
  role: Role;
  mayGiveRoles: boolean;
  /** Which media are on: only those can be cut. Nobody can turn another person's microphone on. */
  media: Record<Source, boolean>;
};

/** What a moderator may do about one person; the portal checks each again. */
export function PersonActions({ identity, name, role, mayGiveRoles, media }: PersonActionsProps) {
  const { strings } = useCall();
  const acts = useActs();
  const [isAsking, setIsAsking] = useState(false);
  const cuts: [Source, string][] = [
    ["microphone", strings.muteMicrophone],
    ["camera", strings.muteCamera],
    ["screen_share", strings.muteScreen],
  ];
  const nextRole: Role = role === "moderator" ? "participant" : "moderator";
  return (
    <>
      <Menu
        label={strings.actionsFor(name)}
        testId={`actions-${identity}`}
        buttonClass="icon-button"
        button={<Icon name="more" />}
      >
        {(close) => {
          const item = (testId: string, text: string, act: () => void, isDanger = false) => (
            <MenuItem
              key={testId}
              testId={`${testId}-${identity}`}
              isDanger={isDanger}
              onChoose={() => {
                close();
                act();
              }}
            >
              {text}
            </MenuItem>
          );
          return (
            <>
              {cuts
                .filter(([source]) => media[source])
                .map(([source, text]) => item(`mute-${source}`, text, () => acts.mute(identity, source)))}
              {mayGiveRoles &&
                item("role", role === "moderator" ? strings.makeParticipant : strings.makeModerator, () =>
                  acts.setRole(identity, nextRole),
                )}
              {item("remove", strings.remove, () => setIsAsking(true), true)}
            </>
          );
        }}
      </Menu>
      {isAsking && (
        <ConfirmDialog
          title={strings.confirmRemoveTitle(name)}
          text={strings.confirmRemoveText}
          act={strings.remove}
          onConfirm={() => acts.onPerson(identity, "remove")}
          onClose={() => setIsAsking(false)}
        />
      )}
    </>
  );
}
