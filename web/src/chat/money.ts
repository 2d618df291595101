/** `price` (a decimal string) as people of `locale` write it; as it is when nobody does. */
export function formatPrice(price: string, currency: string, locale: string): string {
  const amount = Number(price);
  if (price.trim() === "" || !Number.isFinite(amount)) {
    return price;
  }
  try {
    const options = { style: "currency", currency, trailingZeroDisplay: "stripIfInteger" };
    return new Intl.NumberFormat(locale, options as Intl.NumberFormatOptions).format(amount);
  } catch {
    return `${price} ${currency}`.trim(); // not a currency's code
  }
}

/** Words around a price that bounds a range on one side. */
export interface RangeWords {
  from(price: string): string;
  upTo(price: string): string;
}

/** A range of prices; a lower end of nothing is none, and without ends it is empty. */
export function formatRange(
  [from, to]: readonly [string, string],
  format: (price: string) => string,
  words: RangeWords,
): string {
  const low = Number(from) === 0 ? "" : format(from);
  const high = format(to);
  if (low !== "" && high !== "") {
    return `${low} – ${high}`;
  }
  if (high !== "") {
    return words.upTo(high);
  }
  return low === "" ? "" : words.from(low);
}
