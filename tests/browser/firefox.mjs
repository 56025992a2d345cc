// Drives Firefox ESR over WebDriver BiDi for the Python tests: one JSON command a line on stdin, one JSON answer a line on
// stdout. Playwright would want its own build of Firefox.
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import puppeteer from "puppeteer-core";

const number = Number(process.env.NUMBER); // chooses the test card and the tone

const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
  headless: true,
  acceptInsecureCerts: true,
  extraPrefsFirefox: {
    "media.navigator.streams.fake": true, // device menus have something to show
    "media.navigator.permission.disabled": true,
    "media.peerconnection.ice.loopback": true,
    "media.peerconnection.ice.obfuscate_host_addresses": false,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.navigator.audio.fake_frequency": 400 + 100 * number,
    // Firefox must not talk to its maker while a test counts requests.
    "browser.safebrowsing.malware.enabled": false,
    "browser.safebrowsing.phishing.enabled": false,
    "network.captive-portal-service.enabled": false,
    "network.connectivity-service.enabled": false,
    "app.update.enabled": false,
    "intl.accept_languages": "fr",
  },
});
const page = await browser.newPage();
await page.setViewport({ width: 1280, height: 800 });
const complaints = [];
const requests = [];
page.on("console", (message) => {
  if (message.type() === "error") complaints.push(message.text());
});
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("request", (request) => requests.push(request.url()));

const commands = {
  async prepare({ script }) {
    await page.evaluateOnNewDocument(readFileSync(script, "utf8"));
    await page.evaluateOnNewDocument(`window.probe.send(${number})`);
  },
  goto: ({ url }) => page.goto(url, { waitUntil: "load" }).then(() => page.url()),
  url: () => page.url(),
  evaluate: ({ expression }) => page.evaluate(expression),
  click: ({ selector }) => page.locator(selector).setTimeout(30_000).click(),
  fill: ({ selector, text }) => page.locator(selector).setTimeout(30_000).fill(text),
  wait: ({ selector }) => page.waitForSelector(selector, { visible: true, timeout: 30_000 }).then(() => true),
  problems: () => ({ complaints, requests }),
  screenshot: ({ path }) => page.screenshot({ path }).then(() => path),
};

process.stdout.write(`${JSON.stringify({ ready: await browser.version() })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...argument } = JSON.parse(line);
  let answer;
  try {
    answer = { result: (await commands[command](argument)) ?? null };
  } catch (error) {
    answer = { error: `${command}: ${error}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
