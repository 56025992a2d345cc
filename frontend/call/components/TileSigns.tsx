import { useCall } from "../callcontext.ts";
import { useHandOrder, useReaction } from "../togethercontext.ts";
import { Icon } from "./Icon.tsx";
import { ReactionSign } from "./ReactionSign.tsx";

/** Over a tile: the raised hand with its place in the order, and the sign that the person shows at the moment. */
export function TileSigns({ identity }: { identity: string }) {
  const { strings } = useCall();
  const order = useHandOrder(identity);
  const shown = useReaction(identity);
  return (
    <>
      {order > 0 && (
        <span className="tile__hand" data-testid="tile-hand" data-order={order}>
          <Icon name="hand" />
          <span aria-hidden="true">{order}</span>
          <span className="unseen">{strings.together.handUp(order)}</span>
        </span>
      )}
      {shown && (
        <span key={shown.id} className="tile__reaction" data-testid="tile-reaction" data-reaction={shown.reaction}>
          <ReactionSign reaction={shown.reaction} />
          <span className="unseen">{strings.together.reactionNames[shown.reaction]}</span>
        </span>
      )}
    </>
  );
}
