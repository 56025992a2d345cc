// Passkeys: <form data-passkey="create|get"> asks the browser for one and sends it in the field "credential".
// What to ask for stands in the page (data-options: the id of its JSON), or is fetched from the form's address.
const trouble = document.getElementById("passkey-trouble");

function say(what) {
  trouble.querySelector("p").textContent = trouble.dataset[what];
  trouble.hidden = false;
}

function bytes(text) {
  const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const raw = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

const described = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));

async function create({ publicKey: asked }, isAlone) {
  const kept = isAlone
    ? { residentKey: "required", requireResidentKey: true, userVerification: "required" }
    : { residentKey: "discouraged", requireResidentKey: false, userVerification: "preferred" };
  const publicKey = {
    ...asked,
    challenge: bytes(asked.challenge),
    user: { ...asked.user, id: bytes(asked.user.id) },
    excludeCredentials: described(asked.excludeCredentials),
    authenticatorSelection: { ...asked.authenticatorSelection, ...kept },
  };
  const made = await navigator.credentials.create({ publicKey });
  return {
    ...common(made),
    response: {
      clientDataJSON: text(made.response.clientDataJSON),
      attestationObject: text(made.response.attestationObject),
      transports: made.response.getTransports?.() ?? [],
    },
  };
}

async function get({ publicKey: asked }) {
  const publicKey = {
    ...asked,
    challenge: bytes(asked.challenge),
    allowCredentials: described(asked.allowCredentials),
  };
  const shown = await navigator.credentials.get({ publicKey });
  const { clientDataJSON, authenticatorData, signature, userHandle } = shown.response;
  return {
    ...common(shown),
    response: {
      clientDataJSON: text(clientDataJSON),
      authenticatorData: text(authenticatorData),
      signature: text(signature),
      userHandle: userHandle ? text(userHandle) : null,
    },
  };
}

function common(credential) {
  return {
    type: credential.type,
    id: credential.id,
    rawId: text(credential.rawId),
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function optionsOf(form) {
  if (form.dataset.options) return JSON.parse(document.getElementById(form.dataset.options).textContent);
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return (await answer.json()).request_options;
}

async function send(form) {
  trouble.hidden = true;
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const options = await optionsOf(form);
    const made = form.dataset.passkey === "create" ? create(options, form.elements.passwordless.checked) : get(options);
    form.elements.credential.value = JSON.stringify(await made);
    form.submit();
  } catch (error) {
    button.disabled = false;
    if (error.name === "InvalidStateError") say("known");
    else if (error.name === "SecurityError" || error.name === "NotSupportedError") say("unsupported");
    else if (error.name === "NotAllowedError" || error.name === "AbortError") say("refused");
    else say("failed");
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (window.PublicKeyCredential) send(form);
    else say("unsupported");
  });
}
