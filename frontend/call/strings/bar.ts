// Texts of the control bar and its "More" menu.

export const fr = {
  more: "Plus",
  moreActs: "Autres actions",
};

export const en = {
  more: "More",
  moreActs: "More actions",
};

export const de = {
  more: "Mehr",
  moreActs: "Weitere Aktionen",
};
