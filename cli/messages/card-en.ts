/** What `card` says, in English. */

import type { CardTexts } from "./card-texts.ts";
import { englishCertificates } from "./certificates-en.ts";

export const englishCard: CardTexts = {
  labels: {
    name: "Name",
    address: "Address",
    birthDate: "Birth date",
    sex: "Sex",
    expires: "Valid until",
    securityCode: "Security code",
    number: "Individual number",
    photo: "Photo",
  },
  sexes: englishCertificates.sexes,
  date: englishCertificates.birthDate,
  image: (bytes) => `image, ${bytes} bytes (write it with -o)`,
  numberLaw:
    "The law (My Number Act, 番号法) forbids to collect, keep or pass on other people's individual numbers except for " +
    "the purposes it names. Reading your own card is free to you; think before you give the number to anybody.",
  reading: "reading the card",
};
