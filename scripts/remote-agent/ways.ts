import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkout, freePorts, type Ground } from '../demo/ground.ts';

/** One of the places where the example's agent may run. */
export interface Way {
  /** What its line in `agents.yaml` says of it. */
  readonly name: string;
  /** The line itself, as it is to stand there. */
  readonly line: string;
}

/** The example, copied, with addresses that are free. */
export interface Example {
  readonly ways: readonly Way[];
  readonly file: (name: string) => string;
  /** Where in the copy what the example has at this port is: `127.0.0.1:PORT`. */
  readonly address: (port: number) => string;
  /** Writes `agents.yaml` so that the agent runs there; gives the lines that are not as they were in the example. */
  readonly move: (way: Way) => Promise<string[]>;
}

const CONFIGURATIONS = ['agents.yaml', 'inner.yaml', 'outer.yaml'];
const ADDRESS = /127\.0\.0\.1:(\d+)/g;
const AGENT = /^ {2}summarizer: .*$/m;

export async function copyExample({ directory }: Ground): Promise<Example> {
  const file = (name: string): string => join(directory, name);
  await cp(checkout('examples/remote-agent'), directory, { recursive: true });
  // The example has that of the repository around it.
  await writeFile(file('package.json'), '{ "type": "module" }\n');
  const texts = await Promise.all(CONFIGURATIONS.map((name) => readFile(file(name), 'utf8')));
  const ports = new Set(texts.flatMap((text) => [...text.matchAll(ADDRESS)].map(([, port]) => Number(port))));
  const free = await freePorts(ports.size);
  const addresses = new Map([...ports].map((port, index) => [port, `127.0.0.1:${free[index]}`]));
  const address = (port: number): string => {
    const there = addresses.get(port);
    if (there === undefined) throw new Error(`nothing in the example is at port ${port}`);
    return there;
  };
  const moved = texts.map((text) => text.replace(ADDRESS, (_all, port: string) => address(Number(port))));
  await Promise.all(CONFIGURATIONS.map((name, index) => writeFile(file(name), moved[index] ?? '')));
  const [agents = ''] = moved;
  const ways = [...agents.matchAll(/^# {3}(summarizer: .*?) +# (.*)$/gm)].map(([, line = '', name = '']) => ({
    name,
    line,
  }));
  return {
    ways,
    file,
    address,
    async move({ line }) {
      const text = agents.replace(AGENT, `  ${line}`);
      await writeFile(file('agents.yaml'), text);
      const before = agents.split('\n');
      return text.split('\n').filter((line, index) => line !== before[index]);
    },
  };
}
