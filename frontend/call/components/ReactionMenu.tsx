import { useCall } from "../callcontext.ts";
import { REACTIONS, type Reaction } from "../contract.ts";
import { Icon } from "./Icon.tsx";
import { Menu } from "./Menu.tsx";
import { ReactionSign } from "./ReactionSign.tsx";

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
  return (
    <div className="reaction-items">
      {REACTIONS.map((reaction) => (
        <button
          key={reaction}
          type="button"
          role="menuitem"
          tabIndex={-1}
          className="menu__item"
          aria-label={strings.together.reactionNames[reaction]}
          title={strings.together.reactionNames[reaction]}
          data-testid={`reaction-${reaction}`}
          onClick={() => react(reaction)}
        >
          <ReactionSign reaction={reaction} />
        </button>
      ))}
    </div>
  );
}
