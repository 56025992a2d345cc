// Three soft notes on the chosen speaker.

const NOTES_HZ = [523.25, 659.25, 783.99];
const NOTE_SECONDS = 0.28;

/** Plays on the speaker `deviceId` ("" is the system's own); resolves when it has been heard. */
export async function playTestSound(deviceId: string): Promise<void> {
  const context = new AudioContext();
  const destination = context.createMediaStreamDestination();
  NOTES_HZ.forEach((frequency, index) => {
    const start = context.currentTime + 0.1 + index * NOTE_SECONDS;
    const oscillator = new OscillatorNode(context, { frequency });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(0.25, start + 0.03);
    gain.gain.linearRampToValueAtTime(0, start + NOTE_SECONDS);
    oscillator.connect(gain).connect(destination);
    oscillator.start(start);
    oscillator.stop(start + NOTE_SECONDS);
  });
  const element = new Audio();
  element.srcObject = destination.stream;
  if (deviceId !== "" && "setSinkId" in element) await element.setSinkId(deviceId);
  await element.play();
  await new Promise((resolve) => setTimeout(resolve, (0.3 + NOTES_HZ.length * NOTE_SECONDS) * 1000));
  element.srcObject = null;
  await context.close();
}
