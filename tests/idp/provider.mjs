// A sign-in service for the tests that imitates ProConnect: oidc-provider as ProConnect itself runs it, the documented
// contract (no parameter more than documented, state and nonce of 32 characters, essential acr), loopback only.
// PORT: 0 takes a free one; REDIRECT and SIGNED_OUT: what is registered. It prints one line: "ready <issuer>".
import { generateKeyPairSync } from "node:crypto";
import http from "node:http";
import { Provider } from "oidc-provider";

const PREFIX = "/api/v2";
const ACR = ["eidas0", "eidas0-mfa", "eidas1", "eidas1-mfa", "eidas2", "eidas3"];
const ALLOWED = new Set([
  "client_id",
  "acr_values",
  "claims",
  "response_type",
  "response_mode",
  "nonce",
  "login_hint",
  "siret_hint",
  "state",
  "redirect_uri",
  "scope",
  "prompt",
  "idp_hint",
  "code_challenge",
  "code_challenge_method",
]);
const SECRET = "s".repeat(40);
// Who signs in next, as the test says by POST /persona: claims, and `_acr`, `_amr`.
let persona = {
  sub: "9c1e-marie",
  given_name: "Marie",
  usual_name: "DURAND",
  uid: "u-1",
  email: "marie.durand@culture.example",
  siret: "13002526500013",
  idp_id: "71144ab3-ee1a-4401-b7b3-79b44f7daeeb",
  roles: ["agent_public"],
  organization_label: "DINUM",
  _acr: "eidas1",
  _amr: ["pwd"],
};
const people = new Map();

function key(alg) {
  const { privateKey } =
    alg === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), alg, use: "sig", kid: alg.toLowerCase() };
}

const client = (id, alg, signedUserinfo) => ({
  client_id: id,
  client_secret: SECRET,
  redirect_uris: [process.env.REDIRECT],
  post_logout_redirect_uris: [process.env.SIGNED_OUT],
  id_token_signed_response_alg: alg,
  ...(signedUserinfo && { userinfo_signed_response_alg: alg }),
  scope: "openid given_name usual_name email uid siret idp_id roles organization_label",
});

const one = (name) => ({ [name]: [name] });
const settings = {
  clients: [client("rs256", "RS256", true), client("es256", "ES256", true), client("hs256", "HS256", false)],
  jwks: { keys: [key("ES256"), key("RS256")] },
  scopes: ["openid"],
  acrValues: ACR,
  subjectTypes: ["public"],
  responseTypes: ["code"],
  claims: {
    openid: ["sub"],
    ...one("amr"),
    ...one("uid"),
    ...one("given_name"),
    ...one("usual_name"),
    ...one("email"),
    ...one("siret"),
    ...one("idp_id"),
    ...one("roles"),
    ...one("organization_label"),
    // A scope that no client here may have.
    phone: ["phone_number"],
  },
  clientDefaults: {
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_post",
  },
  clientAuthMethods: ["client_secret_post"],
  enabledJWA: {
    idTokenSigningAlgValues: ["ES256", "RS256", "HS256"],
    userinfoSigningAlgValues: ["ES256", "RS256", "HS256"],
  },
  extraParams: ["idp_hint", "siret_hint"],
  features: {
    devInteractions: { enabled: false },
    jwtUserinfo: { enabled: true },
    claimsParameter: { enabled: true },
    resourceIndicators: { enabled: false },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        const whole = form.replace("</form>", '<input type="hidden" name="logout" value="yes"></form>');
        ctx.body = `<!DOCTYPE html><title>Signing out</title>${whole}<script>document.forms[0].submit()</script>`;
      },
    },
  },
  pkce: { required: () => false },
  issueRefreshToken: () => true,
  routes: {
    authorization: "/authorize",
    token: "/token",
    userinfo: "/userinfo",
    jwks: "/jwks",
    end_session: "/session/end",
  },
  ttl: { AuthorizationCode: 60, AccessToken: 3600, IdToken: 3600, Session: 43200, Grant: 43200, Interaction: 3600 },
  cookies: { keys: ["test-only"], long: { sameSite: "lax", path: "/" }, short: { sameSite: "lax", path: "/" } },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  async findAccount(_ctx, sub) {
    const found = people.get(sub);
    if (!found) return undefined;
    const { _acr, _amr, ...claims } = found;
    return { accountId: sub, claims: async () => claims };
  },
  async loadExistingGrant(ctx) {
    const { oidc } = ctx;
    const known = oidc.session.grantIdFor(oidc.client.clientId);
    const grant =
      (known && (await provider.Grant.find(known))) ||
      new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope(oidc.params.scope);
    grant.addOIDCClaims([...(oidc.requestParamClaims ?? [])]);
    await grant.save();
    return grant;
  },
};

const server = http.createServer(answer);
let provider;
let issuer;

async function interaction(request, response) {
  const asked = await provider.interactionDetails(request, response);
  const acr = asked.prompt.details?.acr;
  const wanted = acr?.values ?? (acr?.value ? [acr.value] : null);
  // As ProConnect: by membership, not by order.
  const result =
    wanted && !wanted.includes(persona._acr)
      ? { error: "access_denied", error_description: "requested ACRs could not be satisfied" }
      : { login: { accountId: persona.sub, acr: persona._acr, amr: persona._amr, remember: false }, consent: {} };
  if (result.login) people.set(persona.sub, persona);
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

function isAsDocumented(query) {
  const long = (name) => (query.get(name) ?? "").length >= 32;
  return [...query.keys()].every((name) => ALLOWED.has(name)) && long("state") && long("nonce");
}

async function become(request, response) {
  let body = "";
  for await (const chunk of request) body += chunk;
  persona = { ...persona, ...JSON.parse(body) };
  response.writeHead(204).end();
}

async function answer(request, response) {
  const url = new URL(request.url, issuer);
  try {
    if (url.pathname === "/persona") await become(request, response);
    else if (url.pathname.startsWith("/interaction/")) await interaction(request, response);
    else if (url.pathname === `${PREFIX}/authorize` && !isAsDocumented(url.searchParams))
      response.writeHead(400, { "content-type": "text/html" }).end("Y000400");
    else if (url.pathname.startsWith(PREFIX)) {
      request.originalUrl = request.url;
      request.url = request.url.slice(PREFIX.length);
      provider.callback()(request, response);
    } else response.writeHead(404).end("Y000404");
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}

server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  issuer = `http://127.0.0.1:${server.address().port}${PREFIX}`;
  provider = new Provider(issuer, settings);
  console.log(`ready ${issuer}`);
});
