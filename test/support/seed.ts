// Loaded before each test file: property tests try the same values in every run, so that a run says something about a change and
// nothing else. `FC_SEED=…` tries others.
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['FC_SEED'] ?? 20_261_120) });
