import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knownBase } from './base.ts';

test('the user of an image, as far as its name tells it', () => {
  const users = {
    'python:3.13-slim': 'root',
    'docker.io/library/node:24': 'root',
    'gcr.io/distroless/cc-debian13': 'root',
    'gcr.io/distroless/cc-debian13:nonroot': '65532:65532',
    'cgr.dev/chainguard/python:latest': '65532:65532',
    'mcr.microsoft.com/dotnet/aspnet:9.0-noble-chiseled': '1654:1654',
    'mcr.microsoft.com/dotnet/aspnet:9.0': undefined,
    'bitnami/python:3.13': '1001:0',
    'registry.access.redhat.com/ubi9/python-312': '1001:0',
    'registry.example.com/nonroot/agent:1': undefined,
  };
  for (const [image, user] of Object.entries(users)) assert.equal(knownBase(image).user, user, image);
});
