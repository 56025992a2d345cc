import { useCall } from "../callcontext.ts";
import { REACTIONS, type Reaction } from "../contract.ts";
import { REACTION_SIGNS } from "../reactions.ts";
import { Icon } from "./Icon.tsx";
import { Menu, MenuItem } from "./Menu.tsx";

/** The button of the bar with the signs that one may show for a moment. */
export function ReactionMenu() {
  const { strings } = useCall();
  const button = (
    <>
      <Icon name="reaction" />
      <span className="control__label">{strings.together.reactions}</span>
    </>
  );
  return (
    <Menu label={strings.together.reactions} testId="reactions-button" buttonClass="control" button={button}>
      {(close) => <ReactionItems onChosen={close} />}
    </Menu>
  );
}

/** One's own sign comes back from the portal, as everybody sees it. */
export function ReactionItems({ onChosen }: { onChosen: () => void }) {
  const { strings, api, notices } = useCall();
  const react = (reaction: Reaction) => {
    onChosen();
    api.react(reaction).catch((error: unknown) => {
      console.warn("a reaction was not sent", error);
      notices.show(strings.together.reactionFailed, "warning");
    });
  };
  return REACTIONS.map((reaction) => (
    <MenuItem key={reaction} testId={`reaction-${reaction}`} onChoose={() => react(reaction)}>
      <span className="reaction-sign" aria-hidden="true">
        {REACTION_SIGNS[reaction]}
      </span>
      {strings.together.reactionNames[reaction]}
    </MenuItem>
  ));
}
