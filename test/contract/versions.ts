import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFileRegistry, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { file_outrider_agent_v1_agent } from '../../src/contract/gen/outrider/agent/v1/agent_pb.ts';

export const NEXT_PROTO: string = join(import.meta.dirname, 'next');
export const NEXT_VERSION = '1.9';

const GOLDEN = join(import.meta.dirname, 'golden');

/** What one version of the contract put on the wire, in both forms. */
export interface Golden {
  readonly version: string;
  readonly message: string;
  /** `VERSION/MESSAGE-NAME`, of the two files. */
  readonly file: string;
  /** As on HTTP: JSON, byte for byte. */
  readonly body: Uint8Array;
  /** As on gRPC, without its frame. */
  readonly binary: Uint8Array;
}

/** All that is kept of one version. */
export function golden(version: string): Golden[] {
  const directory = join(GOLDEN, `v${version}`);
  return readdirSync(directory)
    .filter((name) => name.endsWith('.body'))
    .sort()
    .map((name) => {
      const stem = name.slice(0, -'.body'.length);
      return {
        version,
        message: stem.split('-', 1)[0] ?? '',
        file: `v${version}/${stem}`,
        body: readFileSync(join(directory, name)),
        binary: readFileSync(join(directory, `${stem}.binpb`)),
      };
    });
}

export function releasedVersions(): string[] {
  return readdirSync(GOLDEN)
    .filter((name) => name.startsWith('v') && name !== `v${NEXT_VERSION}`)
    .map((name) => name.slice(1));
}

/** A message of the contract of this code. */
export function messageOf(name: string): DescMessage {
  return found(file_outrider_agent_v1_agent.messages, name);
}

/** A message of the later version that `next` pretends. */
export function nextMessageOf(name: string): DescMessage {
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(join(NEXT_PROTO, `v${NEXT_VERSION}.binpb`)));
  const file = createFileRegistry(set).getFile('outrider/agent/v1/agent.proto');
  return found(file?.messages ?? [], name);
}

function found(messages: readonly DescMessage[], name: string): DescMessage {
  const message = messages.find((candidate) => candidate.name === name);
  if (message === undefined) throw new Error(`no message ${name}`);
  return message;
}
