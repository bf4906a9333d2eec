/** RFC 3339 §5.6 `date-time`. A leap second (`:60`) is refused: no clock here can hold it. */
const RFC3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

/** The same moment in UTC with milliseconds, `2026-01-31T23:59:59.000Z`, so that text order is time order; undefined if invalid. */
export function parseTimestamp(text: string): string | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [, date, time, fraction = '', zone] = match;
  // Date.parse rolls 30 February over into March; only a date that comes back as it went in exists.
  const local = Date.parse(`${date}T${time}Z`);
  if (Number.isNaN(local) || new Date(local).toISOString().slice(0, 19) !== `${date}T${time}`) return undefined;
  const moment = Date.parse(`${date}T${time}${fraction.slice(0, 4)}${zone?.toUpperCase()}`);
  // Outside these years ISO text changes its length, or a zone has carried it out of what RFC 3339 can name.
  if (Number.isNaN(moment) || moment < 0 || moment > Date.UTC(9999, 11, 31, 23, 59, 59, 999)) return undefined;
  return new Date(moment).toISOString();
}
