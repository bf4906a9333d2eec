import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { formatBytes, formatDuration, parseBytes, parseDuration } from './units.ts';

it('reads every unit', () => {
  assert.deepEqual(
    ['250ms', '25s', '1.5m', '1h', '30d'].map(parseDuration),
    [250, 25_000, 90_000, 3_600_000, 2_592_000_000],
  );
  const sizes = ['7', '7B', '1KiB', '10MiB', '1.5GiB', '2kB', '3MB', '4GB'];
  assert.deepEqual(sizes.map(parseBytes), [7, 7, 1024, 10_485_760, 1_610_612_736, 2000, 3_000_000, 4_000_000_000]);
});

it('writes what reads back as the same number', () => {
  assert.equal(formatDuration(90_000), '90s');
  assert.equal(formatDuration(0), '0ms');
  assert.equal(formatBytes(16_384), '16KiB');
  fc.assert(
    fc.property(fc.nat(), (count) => {
      assert.equal(parseDuration(formatDuration(count)), count);
      assert.equal(parseBytes(formatBytes(count)), count);
    }),
  );
});
