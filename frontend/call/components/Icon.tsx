// Line icons on a 24 px grid, drawn for this page. Always decorative: the control beside it has the words.

const OFF_STROKE = "M4 3l16 18";

const PATHS = {
  mic: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM6 11a6 6 0 0 0 12 0M12 17v4M9 21h6",
  micOff: `M9 7V6a3 3 0 0 1 6 0v5m-1.2 2.4A3 3 0 0 1 9 11v-1M6 11a6 6 0 0 0 9.6 4.8M18 11a6 6 0 0 1-.5 2.4M12 17v4M9 21h6${OFF_STROKE}`,
  camera: "M3 7h12v10H3zM15 11l6-3.5v9L15 13",
  cameraOff: `M7 7h8v7M15 11l6-3.5v9l-4.5-2.6M14 17H3V7h1${OFF_STROKE}`,
  share: "M3 4h18v12H3zM8 20h8M12 16v4M12 13V7M9 9.5L12 7l3 2.5",
  stopShare: "M3 4h18v12H3zM8 20h8M12 16v4M9.5 7.5l5 5M14.5 7.5l-5 5",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.2a6.5 6.5 0 0 1 3.5 5.8",
  hand: "M7 12V6.500a1.500 1.500 0 0 1 3 0V11M10 10.500V4.500a1.500 1.500 0 0 1 3 0v6M13 10.500V5.500a1.500 1.500 0 0 1 3 0V12M16 9.500a1.500 1.500 0 0 1 3 0V15a6.500 6.500 0 0 1-12 3.500L4.300 14.600a1.600 1.600 0 0 1 2.700-1.700L8 14",
  reaction: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8 14.500a4.800 4.800 0 0 0 8 0M9 9.500h.01M15 9.500h.01",
  neutral: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8.500 15.500h7M9 9.500h.01M15 9.500h.01",
  frown: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8 16.500a4.800 4.800 0 0 1 8 0M9 9.500h.01M15 9.500h.01",
  chat: "M4 4h16v12H10l-5 4v-4H4zM8 8.500h8M8 11.500h5",
  leave:
    "M3 15.5v-2.2C5.200 10.900 8.500 9.800 12 9.800s6.800 1.100 9 3.500v2.200l-4 .8-1.300-2.800c-2.400-.8-5-.8-7.400 0L7 16.300z",
  keyboard: "M2.500 6h19v12h-19zM6 10h.01M9.500 10h.01M13 10h.01M16.500 10h.01M6 14h.01M18 14h.01M9 14h6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  up: "M6 15l6-6 6 6",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  close: "M5 5l14 14M19 5L5 19",
  check: "M4 12.500l5.500 5.500L20 6.500",
  lock: "M5 11h14v10H5zM8 11V7a4 4 0 0 1 8 0v4",
  unlock: "M5 11h14v10H5zM8 11V7a4 4 0 0 1 7.700-1.500",
  link: "M10 14a4.500 4.500 0 0 0 6.400 0l3.300-3.300a4.500 4.500 0 0 0-6.400-6.400L12 5.600M14 10a4.500 4.500 0 0 0-6.400 0l-3.300 3.300a4.500 4.500 0 0 0 6.400 6.400L12 18.400",
  copy: "M8 8h12v12H8zM4 16V4h12",
  pause: "M8 5v14M16 5v14",
  pin: "M9 3h6l-1 6 4 4v2H6v-2l4-4zM12 15v6",
  weak: "M4 20v-4M10 20v-9M15 4l6 6M21 4l-6 6",
  speaker: "M4 9.500v5h3.500L12 19V5L7.500 9.500zM15.500 9a4 4 0 0 1 0 6M18 6.500a7.500 7.500 0 0 1 0 11",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
