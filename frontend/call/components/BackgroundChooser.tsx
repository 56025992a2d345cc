import { type ChangeEvent, useId, useState } from "react";
import { useBackgrounds, useCall } from "../callcontext.ts";
import { pictureAddress } from "../effects/assets.ts";
import { type BackgroundChoice, CHOICES, type PictureName } from "../effects/choice.ts";
import { ownPicture } from "../effects/ownpicture.ts";

/** What stands behind the person: nothing, blur, a picture of the portal's, or one of their own. */
export default function BackgroundChooser() {
  const { strings, backgrounds } = useCall();
  const { choice, isStarting, fault } = useBackgrounds();
  const [own, setOwn] = useState(ownPicture.address());
  const [isUnreadable, setIsUnreadable] = useState(false);
  const name = useId();
  const texts = strings.media;

  const add = async (event: ChangeEvent<HTMLInputElement>) => {
    const [file] = event.target.files ?? [];
    event.target.value = "";
    if (!file) return;
    try {
      await ownPicture.keep(file);
      setIsUnreadable(false);
      setOwn(ownPicture.address());
      backgrounds.choose("picture-own");
    } catch (error) {
      console.warn("the picture was not taken", error);
      setIsUnreadable(true);
    }
  };
  const remove = () => {
    if (choice === "picture-own") backgrounds.choose("none");
    ownPicture.forget();
    setOwn("");
  };

  return (
    <fieldset className="backgrounds" aria-busy={isStarting} data-testid="background-chooser" data-choice={choice}>
      <legend className="backgrounds__title">{texts.background}</legend>
      <p className="backgrounds__hint">{texts.backgroundHint}</p>
      <div className="backgrounds__tiles">
        {CHOICES.filter((offered) => offered !== "picture-own" || own !== "").map((offered) => (
          <label key={offered} className="background" data-testid={`background-${offered}`}>
            <input
              type="radio"
              name={name}
              value={offered}
              checked={choice === offered}
              onChange={() => backgrounds.choose(offered)}
            />
            <Sample choice={offered} own={own} />
            <span className="background__name">{texts.backgrounds[offered]}</span>
          </label>
        ))}
      </div>
      <div className="backgrounds__own">
        <label className="file-button">
          {texts.ownPictureAdd}
          <input
            type="file"
            accept="image/jpeg,image/png,image/webp"
            data-testid="background-upload"
            onChange={(event) => void add(event)}
          />
        </label>
        {own !== "" && (
          <button type="button" className="text-button" data-testid="background-remove" onClick={remove}>
            {texts.ownPictureRemove}
          </button>
        )}
      </div>
      <p className="backgrounds__hint">{texts.ownPictureHint}</p>
      <p className="backgrounds__state" role="status">
        {isUnreadable && texts.ownPictureFailed}
        {!isUnreadable && isStarting && texts.backgroundStarting}
        {fault && (
          <span data-testid="background-fault" data-fault={fault}>
            {texts.backgroundFaults[fault]}
          </span>
        )}
      </p>
    </fieldset>
  );
}

function Sample({ choice, own }: { choice: BackgroundChoice; own: string }) {
  if (!choice.startsWith("picture-")) return <span className={`background__sample background__sample--${choice}`} />;
  const address = choice === "picture-own" ? own : pictureAddress(choice.slice("picture-".length) as PictureName);
  return <img className="background__sample" src={address} alt="" />;
}
