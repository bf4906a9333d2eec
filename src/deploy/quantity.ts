/** A number with an optional fraction: no sign, no exponent. */
const NUMBER = String.raw`(\d{1,15}(?:\.\d{1,9})?)`;
const CPU = new RegExp(`^${NUMBER}(m?)$`);
const MEMORY = new RegExp(`^${NUMBER} ?([a-zA-Z]{0,3})$`);

/**
 * Bytes of each unit. `Mi` and `M` are those of Kubernetes; the lower-case ones are those of Docker, where `m` is a
 * mebibyte (Kubernetes means a thousandth of a byte by it, which nobody writes).
 */
const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  kb: 2 ** 10,
  m: 2 ** 20,
  mb: 2 ** 20,
  g: 2 ** 30,
  gb: 2 ** 30,
  t: 2 ** 40,
  tb: 2 ** 40,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};

/** Cores of `500m`, `0.5`, `1` or the number itself; undefined for anything else. */
export function parseCpu(text: string | number): number | undefined {
  const [, digits = '', milli] = CPU.exec(String(text)) ?? [];
  if (digits === '') return undefined;
  return milli === 'm' ? Number(digits) / 1000 : Number(digits);
}

/** MiB (with a fraction) of `512Mi`, `2Gi`, `1g`, `256m`, `1G` or a number of bytes; undefined for anything else. */
export function parseMemory(text: string | number): number | undefined {
  const [, digits = '', unit = ''] = MEMORY.exec(String(text)) ?? [];
  const bytes = Object.hasOwn(BYTES, unit) ? BYTES[unit] : undefined;
  return digits === '' || bytes === undefined ? undefined : (Number(digits) * bytes) / BYTES_OF_MIB;
}

/** Cores as Kubernetes writes them: `100m`, `1`, `2500m`. Rounded up to a thousandth. */
export function kubernetesCpu(cores: number): string {
  const milli = Math.ceil(round(cores * 1000));
  return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`;
}

/** MiB as Kubernetes writes them: `512Mi`, `2Gi`. Rounded up. */
export function kubernetesMemory(mib: number): string {
  const whole = Math.ceil(round(mib));
  return whole % 1024 === 0 && whole > 0 ? `${whole / 1024}Gi` : `${whole}Mi`;
}

/** Cores as Compose writes them, a text: `0.5`, `1`. */
export function composeCpu(cores: number): string {
  return String(round(cores));
}

/** MiB as Docker and Compose write them: `512m`, `2g`. Rounded up. */
export function composeMemory(mib: number): string {
  const whole = Math.ceil(round(mib));
  return whole % 1024 === 0 && whole > 0 ? `${whole / 1024}g` : `${whole}m`;
}

/** CPU units of ECS: 1024 to a core. Rounded up; Fargate's steps are the target's business. */
export function ecsCpu(cores: number): number {
  return Math.ceil(round(cores * 1024));
}

const BYTES_OF_MIB = 2 ** 20;

/** Takes off what binary fractions add, such as 0.30000000000000004. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
