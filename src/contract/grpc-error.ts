import { BinaryReader, BinaryWriter, base64Decode, base64Encode, WireType } from '@bufbuild/protobuf/wire';
import type { Reply } from '../call.ts';
import type { AgentError } from './agent-error.ts';
import { errorCodec } from './codec.ts';
import { errorFromJson, errorToJson } from './error-wire.ts';
import type { ErrorJson } from './gen/outrider/agent/v1/agent_pb.ts';
import { codeOfGrpcStatus, grpcStatusOf, httpStatusOfGrpc } from './grpc-status.ts';

/** Trailers travel in one block of header fields, of which many peers take no more than 8 KiB in all. */
const MAX_ERROR_BYTES = 3_072;
const MAX_MESSAGE = 512;
/** Of `grpc-message`, in which others than ASCII take nine bytes. */
export const MAX_STATUS_MESSAGE = 256;

/** Of a peer's `grpc-status-details-bin`, in characters. */
const MAX_DETAILS_TEXT = 64 * 1024;

/** Type of the detail that says more than a gRPC status. */
export const ERROR_TYPE: string = errorCodec.schema.typeName;
const TYPE_URL = `type.googleapis.com/${ERROR_TYPE}`;

/**
 * A gRPC reply that is nothing but an error: status 200 and trailers in the place of headers.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md ("Trailers-Only")
 */
export function grpcErrorReply(error: AgentError): Reply {
  return { status: 200, headers: ['Content-Type', 'application/grpc', ...grpcErrorFields(error)], body: null };
}

/** The trailers that say how a call failed: `grpc-status`, `grpc-message`, `grpc-status-details-bin`. */
export function grpcErrorFields(error: AgentError): string[] {
  const json = errorForTrailers(error);
  const status = grpcStatusOf(error.code, error.status);
  const message = json.message.slice(0, MAX_STATUS_MESSAGE).toWellFormed();
  return [
    'grpc-status',
    String(status),
    'grpc-message',
    percentEncode(message),
    'grpc-status-details-bin',
    base64Encode(encodeStatus(status, message, errorCodec.encode(json)), 'std_raw'),
  ];
}

/** As `errorToJson`, but small enough for trailers: what is too long to go along is left out, code and retryability never. */
export function errorForTrailers(error: AgentError): Required<ErrorJson> {
  const json = errorToJson(error);
  if (errorCodec.encode(json).length <= MAX_ERROR_BYTES) return json;
  const { retryable, retry_after_seconds: after } = json.details;
  return {
    code: json.code,
    message: json.message.slice(0, MAX_MESSAGE).toWellFormed(),
    details: {
      ...(retryable !== undefined && { retryable }),
      ...(after !== undefined && { retry_after_seconds: after }),
    },
  };
}

/**
 * The error that trailers say. `details`: the text of `grpc-status-details-bin`, or its bytes. What in it is not ours or cannot be
 * read is passed over, so that any server's error becomes one.
 */
export function agentErrorFromGrpc(status: number, message: string, details?: string | Uint8Array): AgentError {
  return agentErrorFromDetail(status, message, details === undefined ? undefined : readDetails(details));
}

/** As `agentErrorFromGrpc`, from the bytes of the `Error` that was among the details: its type is `ERROR_TYPE`. */
export function agentErrorFromDetail(status: number, message: string, error: Uint8Array | undefined): AgentError {
  const http = httpStatusOfGrpc(status);
  const sent = error === undefined ? undefined : readError(error);
  return errorFromJson(sent ?? { code: codeOfGrpcStatus(status), message: message || 'the call failed' }, http);
}

function readDetails(details: string | Uint8Array): Uint8Array | undefined {
  if (details.length > MAX_DETAILS_TEXT) return undefined;
  try {
    return findError(typeof details === 'string' ? base64Decode(details) : details);
  } catch {
    return undefined;
  }
}

function readError(bytes: Uint8Array): ErrorJson | undefined {
  try {
    return errorCodec.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * `google.rpc.Status`: code = 1, message = 2, details = 3, of `google.protobuf.Any`: type_url = 1, value = 2.
 * https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto
 */
function encodeStatus(code: number, message: string, error: Uint8Array): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int32(code);
  writer.tag(2, WireType.LengthDelimited).string(message);
  writer.tag(3, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string(TYPE_URL);
  writer.tag(2, WireType.LengthDelimited).bytes(error);
  return writer.join().finish();
}

function findError(status: Uint8Array): Uint8Array | undefined {
  const reader = new BinaryReader(status);
  while (reader.pos < reader.len) {
    const [no, wireType] = reader.tag();
    if (no !== 3 || wireType !== WireType.LengthDelimited) reader.skip(wireType, no);
    else {
      const error = errorOf(reader.bytes());
      if (error !== undefined) return error;
    }
  }
  return undefined;
}

function errorOf(any: Uint8Array): Uint8Array | undefined {
  const reader = new BinaryReader(any);
  let ours = false;
  let value: Uint8Array | undefined;
  while (reader.pos < reader.len) {
    const [no, wireType] = reader.tag();
    if (no === 1 && wireType === WireType.LengthDelimited) ours = reader.string().endsWith(`/${ERROR_TYPE}`);
    else if (no === 2 && wireType === WireType.LengthDelimited) value = reader.bytes();
    else reader.skip(wireType, no);
  }
  return ours ? (value ?? new Uint8Array()) : undefined;
}

/** A `grpc-message`: printable ASCII but `%` stays: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md ("Status-Message") */
export function percentEncode(message: string): string {
  return message.replace(/[^\x20-\x24\x26-\x7e]+/g, (run) =>
    Array.from(new TextEncoder().encode(run), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(
      '',
    ),
  );
}
