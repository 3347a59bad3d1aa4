/** What zones are called. */
export const zoneName = /^[^\p{C}\p{Zl}\p{Zp}]{1,63}$/u;

/** The same in words. */
export const zoneNameWords = 'a name of 1 to 63 printable characters';
