// Runs in every page under test before the page's own code: reads test cards and tones from the page's media elements as a
// person at the screen would see and hear them, and can send them where a browser takes no file for its fake camera.
// The card and the tone are those of meetings/testcard.py.
(() => {
  const COLUMNS = 8;
  const ROWS = 6;
  const HUES = 8;
  const HIGHEST_NUMBER = 31;
  const SAMPLED = { width: 160, height: 96 }; // blocks of 20 × 16 pixels

  const crc8 = (bytes) => {
    let value = 0;
    for (const byte of bytes) {
      value ^= byte;
      for (let bit = 0; bit < 8; bit++) value = value & 0x80 ? ((value << 1) ^ 0x07) & 0xff : value << 1;
    }
    return value;
  };

  const canvas = document.createElement("canvas");
  canvas.width = SAMPLED.width;
  canvas.height = SAMPLED.height;
  const pixels = canvas.getContext("2d", { willReadFrequently: true });

  const readCard = (video) => {
    // A video that knows its size but has no picture yet draws nothing: what was read before would count as its own.
    pixels.clearRect(0, 0, SAMPLED.width, SAMPLED.height);
    pixels.drawImage(video, 0, 0, SAMPLED.width, SAMPLED.height);
    const { data } = pixels.getImageData(0, 0, SAMPLED.width, SAMPLED.height);
    const mean = (row, column) => {
      const sum = [0, 0, 0];
      for (const dy of [6, 8, 10])
        for (const dx of [7, 10, 13]) {
          const at = ((row * 16 + dy) * SAMPLED.width + column * 20 + dx) * 4;
          for (let c = 0; c < 3; c++) sum[c] += data[at + c];
        }
      return sum.map((value) => value / 9);
    };
    const bytes = [];
    for (let row = 2; row < ROWS; row++) {
      let byte = 0;
      for (let column = 0; column < COLUMNS; column++) {
        const [r, g, b] = mean(row, column);
        const luma = 0.299 * r + 0.587 * g + 0.114 * b;
        if (luma > 98 && luma < 156) return null;
        byte = (byte << 1) | (luma >= 156 ? 1 : 0);
      }
      bytes.push(byte);
    }
    const [number, high, low, check] = bytes;
    if (crc8([number, high, low]) !== check || number > HIGHEST_NUMBER) return null;
    const [r, g, b] = mean(0, 3).map((value, c) => (value + mean(1, 4)[c]) / 2);
    const luma = 0.299 * r + 0.587 * g + 0.114 * b;
    const [cb, cr] = [(b - luma) * 0.564, (r - luma) * 0.713];
    if (Math.hypot(cb, cr) < 40) return null;
    const hue = (Math.round((Math.atan2(cr, cb) * HUES) / (2 * Math.PI)) + HUES) % HUES;
    return hue === number % HUES ? { number, counter: (high << 8) | low } : null;
  };

  const owner = (element) => element.closest("[data-identity]")?.dataset.identity ?? null;
  const sourceOf = (element) => (element.closest('[data-testid="share-tile"]') ? "screen_share" : "camera");
  const isShown = (element) => element.isConnected && element.getClientRects().length > 0;

  // Every picture on the page: whose tile it is in, whether that is a shared screen, and whose card it shows (null: none, or not
  // readable just now).
  const look = () =>
    [...document.querySelectorAll("video")]
      .filter((video) => video.videoWidth > 0 && isShown(video))
      .map((video) => ({
        identity: owner(video),
        source: sourceOf(video),
        card: readCard(video),
        width: video.videoWidth,
        paused: video.paused,
      }));

  // Browsers without a sound card never start an AudioContext (Firefox), so sound is recorded in slices and decoded offline.
  const SLICE_MS = 500;
  const RATE = 48_000;
  const amplitude = (samples, frequency) => {
    const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / RATE); // Goertzel
    let [last, before] = [0, 0];
    for (const sample of samples) [last, before] = [sample + coefficient * last - before, last];
    return (2 * Math.sqrt(last ** 2 + before ** 2 - coefficient * last * before)) / samples.length;
  };

  const tonesIn = (samples) => {
    const levels = Array.from({ length: HIGHEST_NUMBER + 1 }, (_, number) => amplitude(samples, 400 + 100 * number));
    const loudest = Math.max(...levels);
    return levels.flatMap((level, number) => (level > Math.max(0.005, loudest / 4) ? [number] : []));
  };

  const record = (track) =>
    new Promise((resolve) => {
      const parts = [];
      const recorder = new MediaRecorder(new MediaStream([track]));
      recorder.ondataavailable = ({ data }) => parts.push(data);
      recorder.onstop = () => resolve(new Blob(parts));
      recorder.start();
      setTimeout(() => recorder.state !== "inactive" && recorder.stop(), SLICE_MS);
    });

  const tonesOf = async (track) => {
    const sound = await (await record(track)).arrayBuffer();
    if (sound.byteLength < 200) return []; // nothing came
    const decoded = await new OfflineAudioContext(1, RATE, RATE).decodeAudioData(sound).catch(() => null);
    return decoded ? tonesIn(decoded.getChannelData(0)) : [];
  };

  // The sound tracks a person would hear now: of elements that play, are not muted and not turned down.
  const audible = () =>
    [...document.querySelectorAll("audio, video")]
      .filter(({ srcObject, muted, paused, volume }) => srcObject instanceof MediaStream && !muted && !paused && volume > 0)
      .flatMap(({ srcObject }) => srcObject.getAudioTracks())
      .filter((track) => track.readyState === "live" && track.enabled);

  const sightings = []; // {identity, source, number, counter, width}
  let tones = new Set();
  let unreadable = 0;
  setInterval(() => {
    for (const { identity, source, card, width, paused } of look()) {
      if (!card) unreadable += 1;
      else if (!paused) sightings.push({ identity, source, ...card, width });
    }
    if (sightings.length > 5000) sightings.splice(0, 1000);
  }, 100);

  const listening = new Set(); // ids of tracks of which a slice is being recorded
  setInterval(() => {
    for (const track of audible()) {
      if (listening.has(track.id)) continue;
      listening.add(track.id);
      const heard = tones; // a slice begun before forget() counts for the time before
      tonesOf(track)
        .then((numbers) => numbers.forEach((number) => heard.add(number)))
        .finally(() => listening.delete(track.id));
    }
  }, 50);

  // --- sending, for browsers without --use-file-for-fake-video-capture
  const drawCard = (context, number, counter) => {
    const { width, height } = context.canvas;
    const angle = (2 * Math.PI * (number % HUES)) / HUES;
    const [cb, cr] = [80 * Math.cos(angle), 80 * Math.sin(angle)];
    const luma = ((126 - 16) * 255) / 219;
    const rgb = [luma + 1.596 * cr, luma - 0.392 * cb - 0.813 * cr, luma + 2.017 * cb];
    context.fillStyle = `rgb(${rgb.map((value) => Math.min(255, Math.max(0, Math.round(value)))).join()})`;
    context.fillRect(0, 0, width, height);
    const said = [number, (counter >> 8) & 0xff, counter & 0xff];
    [...said, crc8(said)].forEach((byte, row) => {
      for (let column = 0; column < COLUMNS; column++) {
        context.fillStyle = byte & (0x80 >> column) ? "white" : "black";
        const top = (height * (row + 2)) / ROWS;
        context.fillRect((width * column) / COLUMNS, top, width / COLUMNS + 1, height / ROWS + 1);
      }
    });
  };

  // The sound is Firefox's own fake microphone, whose pitch is a preference.
  const send = (number) => {
    if (!navigator.mediaDevices) return; // no secure page, such as about:blank
    const picture = document.createElement("canvas");
    picture.width = 640;
    picture.height = 360;
    const context = picture.getContext("2d");
    let counter = 0;
    setInterval(() => drawCard(context, number, counter++), 66);
    const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async ({ audio, video }) => {
      const sound = audio ? (await original({ audio: true })).getTracks() : [];
      const pictures = video ? picture.captureStream(15).getVideoTracks() : [];
      // A camera takes the size that the SDK asks for when it is turned on again; a canvas has but one.
      for (const track of pictures) track.applyConstraints = async () => {};
      return new MediaStream([...pictures, ...sound]);
    };
  };

  // A window worth sharing: a card as large as the window, and a title by which a test has it picked.
  const show = (number, title) => {
    document.title = title;
    const window_ = document.createElement("canvas");
    window_.width = 1280;
    window_.height = 720;
    window_.style.cssText = "position: fixed; inset: 0; width: 100vw; height: 100vh";
    document.body.append(window_);
    const context = window_.getContext("2d");
    let counter = 0;
    setInterval(() => drawCard(context, number, counter++), 100);
  };

  // --- websockets, so that a test can cut one as a network would
  const sockets = new Set();
  const opened = [];
  const Original = window.WebSocket;
  window.WebSocket = class extends Original {
    constructor(...args) {
      super(...args);
      sockets.add(this);
      opened.push(new URL(this.url).pathname);
      this.addEventListener("close", () => sockets.delete(this));
    }
  };

  window.probe = {
    look,
    send,
    show,
    forget() {
      sightings.length = 0;
      tones = new Set();
    },
    report: () => ({ sightings: [...sightings], tones: [...tones], unreadable }),
    opened: (path) => opened.filter((other) => other === path).length,
    cut(path) {
      const cut = [...sockets].filter((socket) => new URL(socket.url).pathname === path);
      for (const socket of cut) socket.close();
      return cut.length;
    },
  };
})();
