import { fromBinary } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  type ServiceDescriptorProto,
} from '@bufbuild/protobuf/wkt';

// Numbers of fields, of which the paths in SourceCodeInfo are made: google/protobuf/descriptor.proto.
const FILE_MESSAGE = 4;
const FILE_SERVICE = 6;
const MESSAGE_FIELD = 2;
const SERVICE_METHOD = 2;

/**
 * What stands above each thing of our own packages, by its full name. `image` is an image of buf, which is a FileDescriptorSet with
 * more in it: https://buf.build/docs/reference/images/
 */
export function commentsOf(image: Uint8Array): Map<string, string> {
  const comments = new Map<string, string>();
  for (const file of fromBinary(FileDescriptorSetSchema, image).file) {
    if (!file.package.startsWith('outrider.')) continue;
    const at = commentsByPath(file);
    const keep = (name: string, ...path: number[]): void => {
      const text = at.get(path.join('.'));
      if (text !== undefined) comments.set(name, text);
    };
    file.messageType.forEach((message: DescriptorProto, m) => {
      const name = `${file.package}.${message.name}`;
      keep(name, FILE_MESSAGE, m);
      message.field.forEach((field, f) => keep(`${name}.${field.name}`, FILE_MESSAGE, m, MESSAGE_FIELD, f));
    });
    file.service.forEach((service: ServiceDescriptorProto, s) => {
      const name = `${file.package}.${service.name}`;
      keep(name, FILE_SERVICE, s);
      service.method.forEach((method, m) => keep(`${name}.${method.name}`, FILE_SERVICE, s, SERVICE_METHOD, m));
    });
  }
  return comments;
}

function commentsByPath(file: FileDescriptorProto): Map<string, string> {
  const locations = file.sourceCodeInfo?.location ?? [];
  return new Map(
    locations
      .filter(({ leadingComments }) => leadingComments !== '')
      .map(({ path, leadingComments }) => [path.join('.'), joined(leadingComments)]),
  );
}

/** Lines of one paragraph were broken for the width of the source. */
function joined(comment: string): string {
  return comment
    .trim()
    .split(/\n[ \t]*\n/)
    .map((paragraph) => paragraph.replace(/\s*\n\s*/g, ' '))
    .join('\n\n');
}
