import type { Call, Reply, Service } from './call.ts';

/**
 * One concern around a service: reads `Needs`, hands `Gives` inward with `next`, and may answer without calling it.
 * `next` is called at most once: a body can be read only once.
 */
export type Layer<Needs extends Call = Call, Gives extends object = object> = (
  call: Needs,
  next: (patch: Gives & Partial<Call>) => Promise<Reply>,
) => Promise<Reply>;

/** What a layer that changes nothing hands to `next`: the same call goes on, without a copy. */
export const UNCHANGED = Object.freeze({});

/**
 * Builds a service out of layers, outermost first. `Out` is what the layers so far have made of the call, so that a layer
 * standing before the one that gives what it needs does not compile.
 */
export class Stack<In extends Call, Out extends In = In> {
  readonly #wrap: (inner: Service<Out>) => Service<In>;

  private constructor(wrap: (inner: Service<Out>) => Service<In>) {
    this.#wrap = wrap;
  }

  static empty<C extends Call = Call>(): Stack<C> {
    return new Stack<C, C>((inner) => inner);
  }

  add<Gives extends object>(layer: Layer<Out, Gives>): Stack<In, Out & Gives> {
    const wrap = this.#wrap;
    return new Stack<In, Out & Gives>((inner) =>
      wrap((call) =>
        layer(call, (patch) =>
          // UNCHANGED is only ever passed where Gives asks for nothing, so the call already is an Out & Gives.
          inner((patch as object) === UNCHANGED ? (call as Out & Gives) : { ...call, ...patch }),
        ),
      ),
    );
  }

  serve(service: Service<Out>): Service<In> {
    return this.#wrap(service);
  }
}
