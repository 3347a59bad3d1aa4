/** The documentation's commands by their titles, as JSON. */
export const documentedFile = '/input/documented.json';
/** Of those in docs/firewalls.md, the ones that are typed here. */
export const documentedTitles = {
  noMail: 'vif7.0 sends no mail',
  opensOnly: 'vif7.0 opens connections to HTTPS and DNS, and to nothing else; from outside it is reached as before',
  onlyZones: 'only other zones open connections to vif8.0',
} as const;
