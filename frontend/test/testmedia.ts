// A picture and a tone that are made here: the network can be tested without anybody's camera or voice.

export type TestMedia = { sound: MediaStreamTrack; picture: MediaStreamTrack; stop: () => void };

const WIDTH = 960;
const HEIGHT = 540;
const FRAMES_PER_SECOND = 24;

/** Noise, which no encoder makes small: the link and nothing else sets the bit rate. */
export async function makeMedia(): Promise<TestMedia> {
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const context = canvas.getContext("2d", { alpha: false });
  if (!context) throw new Error("no canvas");
  const grain = makeGrain();
  const draw = () => {
    // The same grain, elsewhere: making a new one for each frame would cost an old laptop more than sending it.
    context.drawImage(grain, -Math.random() * WIDTH, -Math.random() * HEIGHT);
  };
  draw();
  const timer = setInterval(draw, 1000 / FRAMES_PER_SECOND);
  const audio = new AudioContext();
  const oscillator = new OscillatorNode(audio, { frequency: 440 });
  const destination = audio.createMediaStreamDestination();
  oscillator.connect(destination);
  oscillator.start();
  void audio.resume();
  const [picture] = canvas.captureStream(FRAMES_PER_SECOND).getVideoTracks();
  const [sound] = destination.stream.getAudioTracks();
  if (!picture || !sound) throw new Error("no track");
  const stop = () => {
    clearInterval(timer);
    picture.stop();
    sound.stop();
    void audio.close();
  };
  return { sound, picture, stop };
}

/** Four times the picture's area. */
function makeGrain(): HTMLCanvasElement {
  const grain = document.createElement("canvas");
  grain.width = 2 * WIDTH;
  grain.height = 2 * HEIGHT;
  const context = grain.getContext("2d", { alpha: false });
  if (!context) throw new Error("no canvas");
  const pixels = context.createImageData(grain.width, grain.height);
  const values = new Uint32Array(pixels.data.buffer);
  for (let index = 0; index < values.length; index++) {
    const grey = (Math.random() * 256) | 0;
    values[index] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
  context.putImageData(pixels, 0, 0);
  return grain;
}
