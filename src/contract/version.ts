/** The contract that this code speaks: `proto/outrider/agent/v1/agent.proto`. */
export const CONTRACT_MAJOR = 1;
export const CONTRACT_MINOR = 0;

/** What both sides say in each request and reply, and the name of the field (HTTP header, gRPC metadata) that says it. */
export const CONTRACT_FIELD = 'outrider-contract';
export const CONTRACT_VERSION = `${CONTRACT_MAJOR}.${CONTRACT_MINOR}`;
