export type Labels = Readonly<Record<string, string>>;

/** What a part of a node reports about itself when it is asked: plain numbers, rendered at the HTTP door. Names follow the exporters
 * that existing Kafka dashboards expect. */
export type Metric =
  | {
      readonly type: "counter" | "gauge";
      readonly name: string;
      readonly help: string;
      readonly values: readonly { readonly labels: Labels; readonly value: number }[];
    }
  | {
      readonly type: "histogram";
      readonly name: string;
      readonly help: string;
      /** `buckets` are cumulative: [upper bound, observations at or below it], without the infinite one. */
      readonly values: readonly {
        readonly labels: Labels;
        readonly buckets: readonly (readonly [upperBound: number, count: number])[];
        readonly sum: number;
        readonly count: number;
      }[];
    };
