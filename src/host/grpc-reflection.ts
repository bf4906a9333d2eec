import { clone, createFileRegistry, createRegistry, type DescFile, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { file_grpc_health_v1_health } from '../contract/gen/grpc/health/v1/health_pb.ts';
import {
  file_grpc_reflection_v1_reflection,
  ServerReflection,
  type ServerReflectionRequest,
} from '../contract/gen/grpc/reflection/v1/reflection_pb.ts';
import { file_outrider_agent_v1_agent } from '../contract/gen/outrider/agent/v1/agent_pb.ts';
import { GRPC_STATUS } from '../contract/grpc-status.ts';

export const reflection: ServiceImpl<typeof ServerReflection> = {
  /** Each question has one answer, in its place; one that cannot be answered does not end the stream. */
  async *serverReflectionInfo(requests: AsyncIterable<ServerReflectionRequest>) {
    for await (const request of requests) {
      yield { validHost: request.host, originalRequest: request, messageResponse: answer(request) };
    }
  },
};

const V1ALPHA = alphaFile(file_grpc_reflection_v1_reflection);
const SERVED = [file_outrider_agent_v1_agent, file_grpc_health_v1_health, file_grpc_reflection_v1_reflection, V1ALPHA];
const FILES = new Map(SERVED.flatMap((file) => [...withImports(file)].map((one) => [one.proto.name, one] as const)));
const SYMBOLS = createRegistry(...FILES.values());
/** Full names of all services of a host. */
export const SERVICES: readonly string[] = SERVED.flatMap(({ services }) => services.map(({ typeName }) => typeName));

function answer({ messageRequest: { case: asked, value } }: ServerReflectionRequest) {
  switch (asked) {
    case 'listServices':
      return { case: 'listServicesResponse' as const, value: { service: SERVICES.map((name) => ({ name })) } };
    case 'fileByFilename':
      return fileAnswer(FILES.get(value));
    case 'fileContainingSymbol':
      return fileAnswer(fileOf(value));
    case 'allExtensionNumbersOfType':
      // There are no extensions here.
      if (SYMBOLS.getMessage(value) === undefined) return refusal(GRPC_STATUS.not_found, 'no such message');
      return { case: 'allExtensionNumbersResponse' as const, value: { baseTypeName: value, extensionNumber: [] } };
    case 'fileContainingExtension':
      return refusal(GRPC_STATUS.not_found, 'no such extension');
    default:
      return refusal(GRPC_STATUS.unimplemented, 'this question is not known here');
  }
}

function fileAnswer(file: DescFile | undefined) {
  if (file === undefined) return refusal(GRPC_STATUS.not_found, 'no such file or symbol');
  const fileDescriptorProto = [...withImports(file)].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: 'fileDescriptorResponse' as const, value: { fileDescriptorProto } };
}

function refusal(errorCode: number, errorMessage: string) {
  return { case: 'errorResponse' as const, value: { errorCode, errorMessage } };
}

/** The file of a message, enum or service, or of a method, field or value of one. */
function fileOf(symbol: string): DescFile | undefined {
  const whole = SYMBOLS.get(symbol);
  if (whole !== undefined) return whole.file;
  const dot = symbol.lastIndexOf('.');
  const parent = dot < 0 ? undefined : SYMBOLS.get(symbol.slice(0, dot));
  return parent !== undefined && membersOf(parent).includes(symbol.slice(dot + 1)) ? parent.file : undefined;
}

function membersOf(type: NonNullable<ReturnType<typeof SYMBOLS.get>>): string[] {
  switch (type.kind) {
    case 'service':
      return type.methods.map(({ name }) => name);
    case 'message':
      return [...type.fields, ...type.oneofs].map(({ name }) => name);
    case 'enum':
      return type.values.map(({ name }) => name);
    default:
      return [];
  }
}

/** The same file under its older name. */
function alphaFile({ proto }: DescFile): DescFile {
  const alpha = clone(FileDescriptorProtoSchema, proto);
  alpha.name = renamed(proto.name, '/');
  alpha.package = renamed(proto.package, '.');
  for (const { field } of alpha.messageType) for (const one of field) one.typeName = renamed(one.typeName, '.');
  for (const { method } of alpha.service) {
    for (const one of method) {
      one.inputType = renamed(one.inputType, '.');
      one.outputType = renamed(one.outputType, '.');
    }
  }
  const [file] = createFileRegistry(alpha, () => undefined).files;
  if (file === undefined) throw new Error('a registry of one file has one');
  return file;
}

function renamed(name: string, separator: string): string {
  return name.replace(`reflection${separator}v1`, `reflection${separator}v1alpha`);
}

function withImports(file: DescFile, all = new Set<DescFile>()): Set<DescFile> {
  all.add(file);
  for (const imported of file.dependencies) if (!all.has(imported)) withImports(imported, all);
  return all;
}

/**
 * Tells clients which services there are, and what their messages look like:
 * https://github.com/grpc/grpc/blob/master/doc/server-reflection.md. As v1, and as v1alpha, which has the same messages and is what
 * many tools ask first.
 */
export const reflectionServices: readonly (typeof ServerReflection)[] = [
  ServerReflection,
  // The same service but for its name.
  ...(V1ALPHA.services as unknown as (typeof ServerReflection)[]),
];
