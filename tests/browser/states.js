// Runs in every page before its own code, and lets a test bring about what seldom happens: `provoke({...})`, then `goto` again.
// It is kept for the tab, so that the page itself meets it from its first line on.
(() => {
  const KEY = "provoked";
  const read = () => {
    try {
      return JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
    } catch {
      return {}; // about:blank has no storage
    }
  };
  /** `fault` and `words`: name and message of the error with which devices do not open; `refused`: the path of websockets that do not open;
   * `hasNoWebRtc`; `isHurried`: what waits for seconds waits for a twentieth of them. */
  window.provoke = (wanted) => sessionStorage.setItem(KEY, JSON.stringify(wanted));

  if (navigator.mediaDevices) {
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      const { fault, words = "provoked by a test" } = read();
      if (fault) throw new DOMException(words, fault);
      return open(constraints);
    };
  }
  if (read().hasNoWebRtc) delete window.RTCPeerConnection;

  const wait = window.setTimeout.bind(window);
  window.setTimeout = (act, delayMs = 0, ...rest) =>
    wait(act, read().isHurried && delayMs >= 300 ? delayMs / 20 : delayMs, ...rest);

  const Original = window.WebSocket;
  window.WebSocket = class extends Original {
    constructor(address, ...rest) {
      const { refused } = read();
      const url = new URL(address, location.href);
      if (refused && url.pathname === refused) url.pathname = "/ws/nowhere";
      super(url.href, ...rest);
    }
  };
})();
