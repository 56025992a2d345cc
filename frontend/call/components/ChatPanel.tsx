import { useCall } from "../callcontext.ts";
import { useChat } from "../togethercontext.ts";
import { ChatComposer } from "./ChatComposer.tsx";
import { ChatMessages } from "./ChatMessages.tsx";
import { Panel } from "./Panel.tsx";

/** On a phone the keyboard would cover half of what one came to read. */
const startsInComposer = () => !matchMedia("(pointer: coarse)").matches;

/** What is written in the call, and the field to write in. */
export default function ChatPanel() {
  const { strings } = useCall();
  const chat = useChat();
  const hasOwnFocus = startsInComposer();
  return (
    <Panel
      name="chat"
      title={strings.chat.title}
      hasOwnFocus={hasOwnFocus}
      isFilled
      foot={<ChatComposer hasFocus={hasOwnFocus} />}
    >
      <ChatMessages chat={chat} />
    </Panel>
  );
}
