/** What zones are called: 1 to 63 characters that can be printed. */
export const zoneName = /^[^\p{C}\p{Zl}\p{Zp}]{1,63}$/u;
