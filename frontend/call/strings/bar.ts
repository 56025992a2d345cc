// Texts of the control bar and its "More" menu.

export const fr = {
  more: "Plus",
  moreActs: "Plus : autres actions",
};

export const en = {
  more: "More",
  moreActs: "More: other actions",
};

export const de = {
  more: "Mehr",
  moreActs: "Mehr: weitere Aktionen",
};
