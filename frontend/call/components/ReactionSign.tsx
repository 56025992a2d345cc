import type { ReactNode } from "react";
import type { Reaction } from "../contract.ts";

const YELLOW = "#ffd23f";
const SHADE = "#d99f14";
const DARK = "#4a3500";

const HAND = (
  <>
    <path
      d="M7 13V6M10 12V4.200M13 12V4.700M16 13V6.800M17.200 15.500l3-3"
      fill="none"
      strokeWidth="2.500"
      strokeLinecap="round"
    />
    <path d="M5.750 12h11.500v4.500a5.750 5.750 0 0 1-11.500 0z" stroke="none" />
  </>
);

const FACE = <circle cx="12" cy="12" r="10" fill={YELLOW} />;

const DRAWINGS: Record<Reaction, ReactNode> = {
  "thumbs-up": (
    <>
      <path
        d="M9 10.400l3.200-7.200a2.100 2.100 0 0 1 2.600 2.600L14 9.400h5a2.200 2.200 0 0 1 2.200 2.600l-1.300 7a2.400 2.400 0 0 1-2.400 2H9z"
        fill={YELLOW}
      />
      <rect x="3" y="10.400" width="4.600" height="10.600" rx="1" fill="#8585f6" />
    </>
  ),
  clap: (
    <>
      <g transform="rotate(-24 12 14) translate(-.5 4.500) scale(.8)" fill={SHADE} stroke={SHADE}>
        {HAND}
      </g>
      <g transform="rotate(16 12 14) translate(5.500 4) scale(.8)" fill={YELLOW} stroke={YELLOW}>
        {HAND}
      </g>
      <path
        d="M9.500 1.200l.8 2.400M14 .8v2.400M18.500 1.400l-1 2.200"
        fill="none"
        stroke="#fff"
        strokeWidth="1.400"
        strokeLinecap="round"
      />
    </>
  ),
  heart: (
    <path
      d="M12 21.500C5.500 16.700 2 13.300 2 8.900a5.300 5.300 0 0 1 10-2.500 5.300 5.300 0 0 1 10 2.500c0 4.400-3.500 7.800-10 12.600z"
      fill="#ff5468"
    />
  ),
  laugh: (
    <>
      {FACE}
      <path
        d="M5.800 10.400q1.900-2.600 3.800 0M14.400 10.400q1.900-2.600 3.800 0"
        fill="none"
        stroke={DARK}
        strokeWidth="1.500"
        strokeLinecap="round"
      />
      <path d="M6 13.200h12a6 6 0 0 1-12 0z" fill={DARK} />
      <path
        d="M3.600 11.800q-2.800 3.600-.6 4.600 2.200.4.600-4.600zM20.400 11.800q2.800 3.600.6 4.600-2.200.4-.6-4.600z"
        fill="#4cb4ff"
      />
    </>
  ),
  surprised: (
    <>
      {FACE}
      <path
        d="M6.300 6.800q1.500-1.500 3-.9M17.700 6.800q-1.500-1.500-3-.9"
        fill="none"
        stroke={DARK}
        strokeWidth="1.200"
        strokeLinecap="round"
      />
      <circle cx="8.300" cy="10" r="1.500" fill={DARK} />
      <circle cx="15.700" cy="10" r="1.500" fill={DARK} />
      <ellipse cx="12" cy="16" rx="2.700" ry="3.300" fill={DARK} />
    </>
  ),
  celebrate: (
    <>
      <path d="M2 22L7.600 8.200l8.200 8.200z" fill={YELLOW} />
      <path d="M5.400 13.600l5 5M3.700 17.800l2.600 2.600" fill="none" stroke="#e1000f" strokeWidth="1.600" />
      <path
        d="M12.500 10.500q3.500-2 2.500-5.500M15.500 12.500q3-1.500 6-.2M10 7q1.500-2.500 0-5"
        fill="none"
        stroke="#8585f6"
        strokeWidth="1.500"
        strokeLinecap="round"
      />
      <circle cx="19" cy="6" r="1.400" fill="#ff5468" />
      <circle cx="14" cy="2.400" r="1.200" fill="#42cfa0" />
      <circle cx="20.500" cy="16.500" r="1.300" fill="#42cfa0" />
      <circle cx="5.500" cy="4.500" r="1.200" fill="#4cb4ff" />
      <path d="M17.500 8.700l1.300 1.300M22 2.200l-1 1.200" stroke={YELLOW} strokeWidth="1.500" strokeLinecap="round" />
    </>
  ),
};

/** The sign of a reaction, drawn here: an administration's machine often has no font of emoji. Its name stands beside it. */
export function ReactionSign({ reaction }: { reaction: Reaction }) {
  return (
    <svg className="reaction-sign" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {DRAWINGS[reaction]}
    </svg>
  );
}
